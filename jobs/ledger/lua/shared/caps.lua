-- What an owner's jobs weigh, and how many of them may run: caps on the audio that waits and that is in progress.

-- Write down anew what a job weighs: the whole of its audio in milliseconds, as long as it waits or runs. A follower
-- weighs nothing. Call it whenever its state or its length has changed.
local function weigh(id, has_ended)
  local job = fields(K.job(id), 'owner', 'state', 'leader', 'rate', 'expected_s', 'registered_stop', 'total', 'weight',
    'weighs_as')
  local as, weight
  if not has_ended and not job.leader then
    local length_s = math.max(number(job.expected_s), number(job.registered_stop) / (tonumber(job.rate) or 1))
    if job.total then length_s = job.total / job.rate end
    as, weight = job.state, whole(math.ceil(length_s * 1000))
  end
  if as == job.weighs_as and weight == job.weight then return end
  local load = K.owner_load(job.owner)
  if job.weighs_as and call('HINCRBY', load, job.weighs_as, 0 - job.weight) == 0 then
    call('HDEL', load, job.weighs_as)
  end
  if as then
    call('HINCRBY', load, as, weight)
    call('HSET', K.job(id), 'weighs_as', as, 'weight', weight)
  else
    call('HDEL', K.job(id), 'weighs_as', 'weight')
  end
end

-- Whether a job has to wait, since its owner's others in progress, `running` in all, leave it no room. Where none runs,
-- one always may.
local function is_capped(id, running)
  local job = fields(K.job(id), 'running_cap', 'weight')
  return job.running_cap and running > 0 and running + number(job.weight) > number(job.running_cap)
end

local function running_of(owner)
  return number(call('HGET', K.owner_load(owner), 'running'))
end

-- Whether a job that isn't begun has to wait; then it stands apart, and the prepares of other owners pass. A follower
-- weighs nothing, and what it waits with is its finish.
local function held_back(job, score)
  if job.leader or job.state ~= 'queued' or not is_capped(job.id, running_of(job.owner)) then return false end
  call('HSET', K.job(job.id), 'prepare', 'held_back')
  call('ZADD', K.held_back(job.owner), score, job.id)
  return true
end
