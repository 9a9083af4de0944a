-- A job's place in its model's queue, what remains of it, and its end.

-- on each level, arrival decides; a job's ticket stays far below this
local RANK = {high = 0, normal = 2 ^ 45, low = 2 ^ 46}

local function load_job(id)
  local job = fields(K.job(id), 'state', 'model_key', 'model', 'priority', 'owner', 'turn', 'ticket', 'same', 'leader',
    'prepare',    'prepare_fence', 'prepare_holder', 'prepare_started', 'finish', 'finish_fence', 'finish_holder', 'finish_started', 'format')
  job.id = id
  job.active = job.state and not TERMINAL[job.state]
  return job
end

-- Write down what remains of the job, in samples; the best estimate of its length until it's prepared.
local function set_remaining(id)
  local job = fields(K.job(id), 'model_key', 'rate', 'expected_s', 'registered_stop', 'total', 'done_samples')
  if not job.model_key then return end
  local length = math.floor(number(job.expected_s) * number(job.rate))
  length = tonumber(job.total) or math.max(length, number(job.registered_stop))
  local left = math.max(0, length - number(job.done_samples))
  local before = number(call('HGET', K.remaining(job.model_key), id))
  call('HSET', K.remaining(job.model_key), id, left)
  call('HINCRBY', K.totals(job.model_key), 'backlog', left - before)
end

-- Progress never goes back, though the estimate of the length may grow; it is 1 only once the job has succeeded.
local function progress_of(job)
  local length = math.max(number(job.expected_s) * number(job.rate), number(job.registered_stop), 1)
  local share = job.done_samples / (tonumber(job.total) or length)
  return math.max(number(job.progress), math.min(share, 0.999))
end

local function waiting_windows(id)
  return call('ZCARD', K.claimable(id)) + call('ZCARD', K.suspects(id))
end

-- Take the job out of its model's queue: it ends, or is pinned to another model. A follower stands in none.
local function leave_queue(job)
  local key = job.model_key
  if job.leader then return end
  if not key then
    call('ZREM', K.asked(job.model), job.id)
    call('ZREM', K.unpinned(), job.id)
    return
  end
  leave_turn(job)
  local left = number(call('HGET', K.remaining(key), job.id))
  call('HINCRBY', K.totals(key), 'claimable', 0 - waiting_windows(job.id))
  call('HINCRBY', K.totals(key), 'backlog', 0 - left) -- 0 -, since Lua prints a minus zero
  call('HDEL', K.remaining(key), job.id)
  call('HDEL', K.groups(key), job.id)
  call('ZREM', K.queue(key), job.id)
end

-- No unit of the job can be claimed or committed from here on; only its record stays.
local function withdraw(job)
  local id = job.id
  local leases = call('HGETALL', K.leases(id))
  for i = 1, #leases, 2 do
    local holder = string.match(leases[i + 1], '^%d+:%d:(.*)$')
    call('SREM', K.held(holder), member('window', id, leases[i]))
  end
  for _, kind in ipairs({'prepare', 'finish'}) do
    if job[kind] == 'leased' then call('SREM', K.held(job[kind .. '_holder']), member(kind, id)) end
    call('ZREM', K[kind](), id)
  end
  call('ZREM', K.resting(), id)
  call('ZREM', K.held_back(job.owner), id)
  weigh(id, true)
  leave_queue(job)
  if job.leader then call('ZREM', K.followers(job.leader), id) end
  call('DEL', K.windows(id), K.claimable(id), K.suspects(id), K.missing(id), K.leases(id), K.marks(id),
    K.results(id), K.text(id), K.later_text(id))
end

local part_with_followers, let_others_begin -- sharing.lua, cpu.lua

-- The job has ended: from when on it is to be deleted, if it isn't kept for ever.
local function expire(id, finished_at)
  local keep_s = call('HGET', K.job(id), 'retention_s')
  if keep_s then call('ZADD', K.expiries(), seconds(finished_at + keep_s), id) end
end

-- How long each stage of a job took that has succeeded, for metrics: counts between these bounds, and the sum in ms.
local STAGE_BOUNDS_S = {1, 5, 15, 60, 300, 900, 3600, 14400}
local STAGES = {
  queued = {'entered_at', 'started_at'}, preparing = {'started_at', 'prepared_at'},
  transcribing = {'prepared_at', 'complete_at'}, finishing = {'complete_at', 'finished_at'},
  all = {'entered_at', 'finished_at'},
}

local function count_stages(id, now)
  local at = fields(K.job(id), 'entered_at', 'started_at', 'prepared_at', 'complete_at')
  at.finished_at = now
  for stage, ends in pairs(STAGES) do
    local from, to = at[ends[1]], at[ends[2]]
    if from and to then
      local took_s, bucket = math.max(0, to - from), 1
      while STAGE_BOUNDS_S[bucket] and took_s > STAGE_BOUNDS_S[bucket] do bucket = bucket + 1 end
      call('HINCRBY', K.stages(), stage .. ':' .. bucket, 1)
      call('HINCRBY', K.stages(), stage .. ':ms', whole(took_s * 1000))
    end
  end
end

-- The one way into a terminal state. The fences stay, so that a repeated call is known as one.
local function end_job(job, state, now)
  withdraw(job)
  local problem = state == 'failed' and call('HGET', K.job(job.id), 'error')
  local last = problem and tell_last(job.id, 'state', state, 'error', problem) or tell_last(job.id, 'state', state)
  call('HSET', K.job(job.id), 'state', state, 'finished_at', seconds(now), 'last_event', last)
  count(state, 1)
  if state == 'succeeded' then count_stages(job.id, now) end
  call('HDEL', K.job(job.id), 'prepare', 'prepare_holder', 'prepare_started', 'prepare_deaths', 'prepare_repair',
    'finish', 'finish_holder', 'finish_started', 'finish_deaths', 'turn', 'repair', 'repairs', 'prefix',
    'prepared_at', 'complete_at')
  job.state, job.active = state, false
  announce_end(job.id, job.owner, state, now)
  expire(job.id, now)
  part_with_followers(job, now)
  let_others_begin(job.owner, now)
end

-- The last hour's failures, for operators.
local FAILURES_S, FAILURES = 3600, 1000

local function failure(id, problem)
  return cjson.decode(problem).type .. ':' .. id
end

local function fail(job, problem, now)
  call('HSET', K.job(job.id), 'error', problem)
  call('ZADD', K.failures(), seconds(now), failure(job.id, problem))
  call('ZREMRANGEBYSCORE', K.failures(), '-inf', seconds(now - FAILURES_S))
  call('ZREMRANGEBYRANK', K.failures(), 0, -1 - FAILURES)
  end_job(job, 'failed', now)
end
