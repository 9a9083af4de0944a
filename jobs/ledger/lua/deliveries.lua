-- A page of an owner's deliveries, newest first: {cursor of the next page or '', {record as HGETALL gives it…}}.
-- state, job: '' or what they must be. The cursor is the last one looked at, `created_at:id`, as in jobs.lua.
local owner, limit, cursor, state, job = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local LOOKED_AT_MOST, STEP = 2000, 100
local SHOWN = {'id', 'job', 'type', 'url', 'state', 'attempts', 'created_at', 'next_at', 'ended_at'}

local found, looked = {}, 0
local from, last = string.match(cursor, '^([^:]+):(.*)$')
local offset, done = 0, false
while not done and #found < limit and looked < LOOKED_AT_MOST do
  local entries = call('ZREVRANGEBYSCORE', K.owner_deliveries(owner), from or '+inf', '-inf', 'WITHSCORES',
    'LIMIT', offset, STEP)
  done, offset = #entries < 2 * STEP, offset + STEP
  for i = 1, #entries, 2 do
    local id, score = entries[i], entries[i + 1]
    local seen = from and tonumber(score) == tonumber(from) and id >= last
    if not seen and #found < limit then
      looked, cursor = looked + 1, score .. ':' .. id
      local known = call('HMGET', K.delivery(id), unpack(SHOWN))
      -- nil: its log is over
      if known[1] and (state == '' or known[5] == state) and (job == '' or known[2] == job) then
        found[#found + 1] = known
      end
    elseif not seen then
      done = false
    end
  end
end
if done then cursor = '' end
return {cursor, found}
