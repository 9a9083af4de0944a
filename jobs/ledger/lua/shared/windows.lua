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

-- Between commits what remains is known from these two: since when nothing more was committed, and until when a batch
-- that runs now is expected to take.
local function batch_begins(key, now, expected_s)
  local known = number(call('HGET', K.totals(key), 'runs_until'))
  call('HSET', K.totals(key), 'runs_since', seconds(now), 'runs_until', seconds(math.max(known, now + expected_s)))
end

local function batch_ends(key, now)
  call('HSET', K.totals(key), 'runs_since', seconds(now))
end

-- Make a window claimable; one with a mark of 0 or more is a suspect and will be claimed alone.
local function offer_window(job, index)
  local mark = tonumber(call('HGET', K.marks(job.id), index)) or -1
  call('ZADD', mark >= 0 and K.suspects(job.id) or K.claimable(job.id), index, index)
  call('HINCRBY', K.totals(job.model_key), 'claimable', 1)
  enter_turn(job)
end

-- Windows that are left out on purpose, {index, samples} each, in order: done as they are registered, with no text.
local function leave_out(id, silent)
  if #silent == 0 then return end
  local job = fields(K.job(id), 'rate', 'expected_s', 'registered_stop', 'total', 'done', 'done_samples',
    'skipped_samples', 'prefix', 'progress')
  local skipped, prefix = 0, number(job.prefix)
  for _, window in ipairs(silent) do
    local index, samples = unpack(window)
    call('HSET', K.results(id), index, '0:')
    skipped = skipped + samples
    if index == prefix then prefix = prefix + 1 else call('HSET', K.later_text(id), index, '') end
  end
  job.done_samples = number(job.done_samples) + skipped
  local progress = progress_of(job)
  call('HSET', K.job(id), 'done', number(job.done) + #silent, 'done_samples', job.done_samples, 'prefix', prefix,
    'progress', progress, 'skipped_samples', number(job.skipped_samples) + skipped)
  tell_sharers(id, 'progress', progress)
end

-- A window was in a run that went wrong: it becomes suspect. Only a death alone is held against it; returns those.
local function suspect(id, index, alone)
  local mark = tonumber(call('HGET', K.marks(id), index)) or -1
  if mark < 0 then count('suspects', 1) end
  mark = math.max(mark, 0) + (alone and 1 or 0)
  call('HSET', K.marks(id), index, mark)
  return mark
end
