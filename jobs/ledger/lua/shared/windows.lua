-- A window's lease and its way back.

local function lease_of(id, index)
  local lease = call('HGET', K.leases(id), index)
  if not lease then return nil end
  local fence, started, holder = string.match(lease, '^(%d+):(%d):(.*)$')
  return {fence = fence, started = started == '1', holder = holder}
end

local function release_window(id, index, holder)
  call('HDEL', K.leases(id), index)
  call('SREM', K.held(holder), member('window', id, index))
end

-- The lease under which a caller speaks of a window; nil if it isn't the caller's any more.
local function own_lease(job, index, fence, incarnation)
  local lease = job.active and lease_of(job.id, index)
  return lease and lease.fence == fence and lease.holder == incarnation and lease or nil
end

-- Make a window claimable; one with a mark of 0 or more is a suspect and will be claimed alone.
local function offer_window(job, index)
  local mark = tonumber(call('HGET', K.marks(job.id), index)) or -1
  call('ZADD', mark >= 0 and K.suspects(job.id) or K.claimable(job.id), index, index)
  call('HINCRBY', K.totals(job.model_key), 'claimable', 1)
  enter_turn(job)
end

-- A window was in a run that went wrong: it becomes suspect. Only a death alone is held against it; returns those.
local function suspect(id, index, alone)
  local mark = tonumber(call('HGET', K.marks(id), index)) or -1
  if mark < 0 then count('suspects', 1) end
  mark = math.max(mark, 0) + (alone and 1 or 0)
  call('HSET', K.marks(id), index, mark)
  return mark
end
