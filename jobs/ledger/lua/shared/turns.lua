-- Whose turn it is: start-time fair queueing on three levels, priority, owner, job (a tag is what one was served).
-- Only those with claimable windows stand in the sets. Who comes back continues from its own tag or from the clock,
-- the tag served last on that level, whichever is later: idle time earns nothing, and a newcomer starts at par.

local PRIORITIES = {'high', 'normal', 'low'}
-- shares of 6 : 3 : 1: a sample costs 6 divided by the weight
local COST = {high = 1, normal = 2, low = 6}

-- job: id, model_key, priority, owner, turn
local function enter_turn(job)
  local key, priority, owner = job.model_key, job.priority, job.owner
  local jobs = K.turn_jobs(key, priority, owner)
  if call('ZSCORE', jobs, job.id) then return end
  local owners, turns = K.turn_owners(key, priority), K.turns(key)
  local own = 'o:' .. priority .. ':' .. owner
  local tags = fields(turns, 'clock', 'p:' .. priority, 'clock:' .. priority, own, 'clock:' .. priority .. ':' .. owner)
  if call('EXISTS', owners) == 0 then
    call('HSET', turns, 'p:' .. priority, math.max(number(tags.clock), number(tags['p:' .. priority])))
  end
  if not call('ZSCORE', owners, owner) then
    call('ZADD', owners, math.max(number(tags['clock:' .. priority]), number(tags[own])), owner)
  end
  call('ZADD', jobs, math.max(number(tags['clock:' .. priority .. ':' .. owner]), number(job.turn)), job.id)
end

-- The job has nothing to claim for now; its tags are kept.
local function leave_turn(job)
  local key, priority, owner = job.model_key, job.priority, job.owner
  local jobs, owners = K.turn_jobs(key, priority, owner), K.turn_owners(key, priority)
  local tag = call('ZSCORE', jobs, job.id)
  if not tag then return end
  job.turn = tag
  call('HSET', K.job(job.id), 'turn', tag)
  call('ZREM', jobs, job.id)
  if call('EXISTS', jobs) == 0 then
    call('HSET', K.turns(key), 'o:' .. priority .. ':' .. owner, call('ZSCORE', owners, owner))
    call('ZREM', owners, owner)
  end
end
