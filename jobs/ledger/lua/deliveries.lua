-- A page of an owner's deliveries, newest first: {cursor of the next page or '', {record as HGETALL gives it…}}.
-- state, job: '' or what they must be. The cursor is `created_at:id`.
local owner, limit, cursor, state, job = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local SHOWN = {'id', 'job', 'type', 'url', 'state', 'attempts', 'created_at', 'next_at', 'ended_at'}

local function show(id)
  local known = call('HMGET', K.delivery(id), unpack(SHOWN))
  -- nil: its log is over
  if known[1] and (state == '' or known[5] == state) and (job == '' or known[2] == job) then return known end
end

return page_of(K.owner_deliveries(owner), limit, cursor, '+inf', '-inf', show)
