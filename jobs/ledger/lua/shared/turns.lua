-- Whose turn it is: start-time fair queueing on three levels, priority, owner, job (a tag is what one was served).
-- Only those with claimable windows stand in the sets. Who comes back continues from its own tag or from the clock,
-- the tag served last on that level, whichever is later: idle time earns nothing, and a newcomer starts at par. Those who
-- start there stand one sample apart, so that among equals the first to come is the first to be served.

local PRIORITIES = {'high', 'normal', 'low'}
-- shares of 6 : 3 : 1: a sample costs 6 divided by the weight
local COST = {high = 1, normal = 2, low = 6}

-- The tag on a level (priority, or priority and owner) of who comes with this one of its own.
local function tag_of_newcomer(turns, level, own)
  local tags = fields(turns, 'clock:' .. level, 'par:' .. level)
  local clock = number(tags['clock:' .. level])
  if number(own) > clock then return own end
  local par = math.max(clock, number(tags['par:' .. level]) + 1)
  call('HSET', turns, 'par:' .. level, par)
  return par
end

-- job: id, model_key, priority, owner, turn
local function enter_turn(job)
  local key, priority, owner = job.model_key, job.priority, job.owner
  local jobs = K.turn_jobs(key, priority, owner)
  if call('ZSCORE', jobs, job.id) then return end
  local owners, turns = K.turn_owners(key, priority), K.turns(key)
  if call('EXISTS', owners) == 0 then
    local tags = fields(turns, 'clock', 'p:' .. priority)
    call('HSET', turns, 'p:' .. priority, math.max(number(tags.clock), number(tags['p:' .. priority])))
  end
  if not call('ZSCORE', owners, owner) then
    local own = call('HGET', turns, 'o:' .. priority .. ':' .. owner)
    call('ZADD', owners, tag_of_newcomer(turns, priority, own), owner)
  end
  call('ZADD', jobs, tag_of_newcomer(turns, priority .. ':' .. owner, job.turn), job.id)
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
