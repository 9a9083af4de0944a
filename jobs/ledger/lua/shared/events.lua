-- A job's events: what those who follow it are told, in order. An entry is one change as a whole: who has it, has all.

-- entries kept of a job, give or take a hundred; who was away for longer is given the whole text instead
local EVENTS_KEPT = 500
-- how long they outlive their job: time enough for whoever follows it to connect again
local EVENTS_OUTLIVE_S = 300

-- Names and values: state, stage, progress, text (what was added to it), error (JSON).
local function tell(id, ...)
  return call('XADD', K.events(id), 'MAXLEN', '~', EVENTS_KEPT, '*', ...)
end

-- The same of a job and of those that share its work.
local function tell_sharers(id, ...)
  tell(id, ...)
  for _, follower in ipairs(call('ZRANGE', K.followers(id), 0, -1)) do tell(follower, ...) end
end

-- Nothing follows.
local function tell_last(id, ...)
  local last = tell(id, ...)
  call('EXPIRE', K.events(id), EVENTS_OUTLIVE_S)
  return last
end

-- Whether one entry's id comes before another's: {milliseconds}-{number}.
local function is_before(one, other)
  local ms, n = string.match(one, '^(%d+)-(%d+)$')
  local other_ms, other_n = string.match(other, '^(%d+)-(%d+)$')
  if ms == other_ms then return tonumber(n) < tonumber(other_n) end
  return tonumber(ms) < tonumber(other_ms)
end
