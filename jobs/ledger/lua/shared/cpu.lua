-- The two CPU units of a job, prepare and finish: claimable, leased, given back.

-- Decoding and cutting run at some 100 times real time or more: the length of what is left, in seconds of work, is how
-- much later than others of the same moment a job may be prepared. So the shortest goes first and nobody starves.
local PREPARE_SPEED = 100
local PREPARE_DELAY_S = {high = -30, normal = 0, low = 60}

local function offer_prepare(id, now)
  local job = fields(K.job(id), 'priority', 'rate', 'expected_s', 'registered_stop')
  local left_s = math.max(0, number(job.expected_s) - number(job.registered_stop) / number(job.rate))
  call('HSET', K.job(id), 'prepare', 'ready')
  call('ZADD', K.prepare(), now + left_s / PREPARE_SPEED + PREPARE_DELAY_S[job.priority], id)
end

local function offer_finish(id, now)
  call('HSET', K.job(id), 'finish', 'ready')
  call('ZADD', K.finish(), now, id)
end

-- The job's model is known now: its queue, its audio's length in samples, its prepare.
local function pin(job, key, spec, now)
  leave_queue(job)
  call('HSET', K.job(job.id), 'model_key', key, 'revision', spec.revision, 'dtype', spec.dtype,
    'rate', spec.sampling_rate_hz)
  job.model_key = key
  call('ZADD', K.queue(key), RANK[job.priority] + number(job.ticket), job.id)
  call('HSET', K.groups(key), job.id, job.priority .. ':' .. job.owner)
  set_remaining(job.id)
  call('ZREM', K.held_back(job.owner), job.id)
  offer_prepare(job.id, now)
end

local function lease_cpu(kind, id, incarnation)
  local fence = ticket()
  call('HSET', K.job(id), kind, 'leased', kind .. '_fence', fence, kind .. '_holder', incarnation,
    kind .. '_started', '0')
  call('SADD', K.held(incarnation), member(kind, id))
  return fence
end

-- Whether a caller's claim of a unit still stands.
local function holds(job, kind, fence)
  return job.active and job[kind] == 'leased' and job[kind .. '_fence'] == fence
end

local function release_cpu(job, kind)
  call('SREM', K.held(job[kind .. '_holder']), member(kind, job.id))
  call('HDEL', K.job(job.id), kind .. '_holder', kind .. '_started')
end

-- What the holder of a prepare says doesn't fit the record: a restarted Redis lost some of it, or the file doesn't
-- decode to the same twice. Whoever is refused holds nothing any more, so the unit comes back; for good if that never
-- ends.
local function refuse_prepare(job, why, max_deaths, problem)
  release_cpu(job, 'prepare')
  if call('HINCRBY', K.job(job.id), 'prepare_deaths', 1) >= tonumber(max_deaths) then
    fail(job, problem, clock())
  else
    offer_prepare(job.id, clock())
  end
  return refused(why)
end

-- The next job whose unit of this kind is claimable, taken out of the set. Those whose record has a newer format than the
-- caller knows stay where they are, for callers that know it; one of them is the second answer.
local function pop_ready(kind, known)
  local found, newer = nil, {}
  repeat
    local id, score = unpack(call('ZPOPMIN', K[kind]()))
    if id then
      local job = load_job(id)
      local is_ready = job.active and job[kind] == 'ready'
      if is_ready and number(job.format) > known then
        newer[#newer + 1] = {score, id}
      elseif is_ready and not held_back(job, score) then
        found = job
      end
    end
  until found or not id
  for _, each in ipairs(newer) do call('ZADD', K[kind](), each[1], each[2]) end
  return found, newer[1] and newer[1][2]
end

-- One of an owner's jobs has ended: as many of those that were held back are offered again as there is room for.
function let_others_begin(owner, now)
  local running = running_of(owner)
  while true do
    local id = call('ZRANGE', K.held_back(owner), 0, 0)[1]
    if not id or is_capped(id, running) then return end
    running = running + number(call('HGET', K.job(id), 'weight'))
    call('ZREM', K.held_back(owner), id)
    offer_prepare(id, now)
  end
end

-- Some windows' objects are gone: prepare has to run again. Too many rounds of that fail the job.
local function repair(job, max_rounds, problem, now)
  if call('HINCRBY', K.job(job.id), 'repairs', 1) > max_rounds then
    fail(job, problem, now)
  else
    offer_prepare(job.id, now)
    tell_sharers(job.id, 'state', 'running', 'stage', 'preparing')
  end
end

-- Put the job up for finish if every window of it is done.
local function complete(id, now)
  local job = fields(K.job(id), 'prepare', 'finish', 'done', 'registered')
  if job.prepare ~= 'done' or job.finish or number(job.done) ~= number(job.registered) then return false end
  call('HSET', K.job(id), 'complete_at', seconds(now))
  offer_finish(id, now)
  tell_sharers(id, 'state', 'running', 'stage', 'finishing')
  return true
end
