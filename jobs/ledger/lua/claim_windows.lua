-- A batch of a model's windows, one after the other from whoever's turn it is, as JSON; '' if there is none.
local incarnation, claim, key = ARGV[1], ARGV[2], ARGV[3]
local max_windows, max_samples, lease_s = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local wake_below = tonumber(ARGV[7])
local before = answered(incarnation, claim)
if before then return before end

local now = clock()
local turns, tags, clocks = K.turns(key), {}, {}
local jobs, job_count, batch, samples = {}, 0, {}, 0

-- Where work runs out, a batch is the smaller the less there is, so that all workers end together: of what waits, each
-- of the others may take two batches in the time of this one. What is small anyway isn't worth the split.
local WORTH_SPLITTING = 0.1
local others = math.max(live_workers(key, now) - 1, 0)
local share = math.ceil(number(call('HGET', K.totals(key), 'claimable')) / (2 * others + 1))

for _, priority in ipairs(PRIORITIES) do
  if call('EXISTS', K.turn_owners(key, priority)) == 1 then
    tags[priority] = number(call('HGET', turns, 'p:' .. priority))
  end
end

local function next_priority()
  local chosen
  for _, priority in ipairs(PRIORITIES) do
    if tags[priority] and (not chosen or tags[priority] < tags[chosen]) then chosen = priority end
  end
  return chosen
end

-- A job and the windows that this batch could take of it, read once.
local function job_at_turn(id, priority, owner)
  if not jobs[id] then
    local job = fields(K.job(id), 'turn', 'options', 'prepare')
    job.id, job.model_key, job.priority, job.owner = id, key, priority, owner
    job.indexes = call('ZRANGE', K.claimable(id), 0, max_windows - #batch - 1)
    job.metas = #job.indexes > 0 and call('HMGET', K.windows(id), unpack(job.indexes)) or {}
    job.taken = 0
    jobs[id], job_count = job, job_count + 1
  end
  return jobs[id]
end

-- Whether a window of this length still goes into the batch. Jobs that share a batch wait for each other, so it is half
-- as long: a short job's window shouldn't stay for long in the company of a long one's.
local function fits(cost)
  if #batch == 0 then return true end
  local most = job_count > 1 and max_samples / 2 or max_samples
  return samples + cost <= most and (#batch < share or samples + cost <= max_samples * WORTH_SPLITTING)
end

-- The job's window for this batch: index, meta, whether it is a suspect. A suspect only comes into an empty batch.
local function next_window(job)
  if #batch == 0 then
    local index = call('ZRANGE', K.suspects(job.id), 0, 0)[1]
    if index then return index, call('HGET', K.windows(job.id), index), true end
  end
  return job.indexes[job.taken + 1], job.metas[job.taken + 1], false
end

local function take(job, index, meta, is_suspect, cost)
  if is_suspect then
    call('ZREM', K.suspects(job.id), index)
  else
    job.taken = job.taken + 1
  end
  samples = samples + cost
  batch[#batch + 1] = {job.id, index, meta, '', is_suspect}
end

-- The levels' clocks move to the tags that are served, the tags move on by what is served.
local function charge(job, owner_tag, job_tag, cost)
  local priority, owner = job.priority, job.owner
  clocks['clock'] = tags[priority]
  clocks['clock:' .. priority] = owner_tag
  clocks['clock:' .. priority .. ':' .. owner] = job_tag
  tags[priority] = tags[priority] + cost * COST[priority]
  clocks['p:' .. priority] = tags[priority]
  call('ZINCRBY', K.turn_owners(key, priority), cost, owner)
  call('ZINCRBY', K.turn_jobs(key, priority, owner), cost, job.id)
end

-- Out of the turns if nothing of the job is left; out with its priority if it was the last.
local function leave_if_empty(job)
  if job.taken < #job.indexes then return end
  local left = call('ZCARD', K.claimable(job.id)) - job.taken + call('ZCARD', K.suspects(job.id))
  if left > 0 then return end
  leave_turn(job)
  if call('EXISTS', K.turn_owners(key, job.priority)) == 0 then tags[job.priority] = nil end
end

-- One window from whose turn it is; false if the batch is at its end.
local function step()
  local priority = next_priority()
  if not priority then return false end
  local owner, owner_tag = unpack(call('ZRANGE', K.turn_owners(key, priority), 0, 0, 'WITHSCORES'))
  local id, job_tag = unpack(call('ZRANGE', K.turn_jobs(key, priority, owner), 0, 0, 'WITHSCORES'))
  local job = job_at_turn(id, priority, owner)
  local index, meta, is_suspect = next_window(job)
  if not index then return false end
  local start, stop = string.match(meta, '^(%d+):(%d+)')
  local cost = stop - start
  if not fits(cost) then return false end
  take(job, index, meta, is_suspect, cost)
  charge(job, owner_tag, job_tag, cost)
  leave_if_empty(job)
  return #batch < max_windows and not is_suspect
end

-- Everything taken of one job becomes leased.
local function lease(job, leases)
  if job.taken > 0 then call('ZREM', K.claimable(job.id), unpack(job.indexes, 1, job.taken)) end
  call('HSET', K.leases(job.id), unpack(leases))
  if job.prepare == 'parked' and waiting_windows(job.id) < wake_below then offer_prepare(job.id, now) end
end

while step() do end
if #batch == 0 then return '' end

local last_fence, leases, held, options = call('INCRBY', K.ticket(), #batch), {}, {}, {}
for i, entry in ipairs(batch) do
  local id, index = entry[1], entry[2]
  local fence = whole(last_fence - #batch + i)
  entry[4] = fence
  held[i] = member('window', id, index)
  options[id] = jobs[id].options
  leases[id] = leases[id] or {}
  table.insert(leases[id], index)
  table.insert(leases[id], fence .. ':0:' .. incarnation)
end
for id, each in pairs(leases) do lease(jobs[id], each) end
call('SADD', K.held(incarnation), unpack(held))
call('HINCRBY', K.totals(key), 'claimable', -#batch)
for name, value in pairs(clocks) do call('HSET', turns, name, value) end
renew(incarnation, now, lease_s)
return remember(incarnation, claim, cjson.encode({windows = batch, options = options}))
