-- Incarnations: their lease, and what becomes of their units.

-- A claim or a beat is a sign of life. So whatever is held, is held by somebody in this set.
local function renew(incarnation, now, lease_s)
  call('ZADD', K.alive(), 'GT', seconds(now + lease_s), incarnation)
end

local function live_workers(key, now)
  return call('ZCOUNT', K.serving(key), seconds(now), '+inf')
end

-- How units come back, `blame`: nil after a drain; a table after a lapse, with max_deaths and the problems to fail with
-- if the holder has died; empty if that can't be known.

-- A prepare or finish comes back. Returns true if that failed the job.
local function return_cpu(job, kind, blame, now)
  local died = blame and blame.max_deaths and job[kind .. '_started'] == '1'
  release_cpu(job, kind)
  if died and call('HINCRBY', K.job(job.id), kind .. '_deaths', 1) >= blame.max_deaths then
    fail(job, blame[kind], now)
    return true
  elseif kind == 'prepare' then
    offer_prepare(job.id, now)
  else
    offer_finish(job.id, now)
  end
  return false
end

-- The same of a window. A suspect ran alone, so its death is its own; others become suspects without blame.
local function return_window(job, index, lease, blame, now)
  release_window(job.id, index, lease.holder)
  if blame then
    local mark = tonumber(call('HGET', K.marks(job.id), index)) or -1
    if lease.started and blame.max_deaths and suspect(job.id, index, mark >= 0) >= blame.max_deaths then
      fail(job, blame.window, now)
      return true
    end
    call('HSETNX', K.marks(job.id), index, -1)
  end
  offer_window(job, index)
  return false
end

-- Return all that an incarnation holds. Returns the members that failed their jobs.
local function return_all(incarnation, blame, now)
  local failed, held = {}, call('SMEMBERS', K.held(incarnation))
  for _, name in ipairs(held) do
    local kind, id, index = string.match(name, '^(%a+):([^:]+):?(%d*)$')
    local job, ended = load_job(id), false
    if kind == 'window' then
      local lease = job.active and lease_of(id, index)
      if lease and lease.holder == incarnation then ended = return_window(job, index, lease, blame, now) end
    elseif job.active and job[kind] == 'leased' and job[kind .. '_holder'] == incarnation then
      ended = return_cpu(job, kind, blame, now)
    end
    if ended then failed[#failed + 1] = name end
  end
  if blame then count('lapsed', #held) end
  call('DEL', K.held(incarnation), K.answers(incarnation), K.answered(incarnation))
  return failed
end

-- The incarnation has left or lapsed: forget it too.
local function retire(incarnation, blame, now)
  local failed = return_all(incarnation, blame, now)
  local info = call('HGET', K.workers(), incarnation)
  for _, key in ipairs(info and cjson.decode(info).model_keys or {}) do
    call('ZREM', K.serving(key), incarnation)
    call('HDEL', K.speeds(key), incarnation)
  end
  call('ZREM', K.alive(), incarnation)
  call('HDEL', K.workers(), incarnation)
  return failed
end
