-- An owner wants a delivery again: it is due now, with all its attempts; one in hand stays there. Its receiver counts as
-- there again. 0 if there is no such delivery of this owner ('' is any). Repeatable.
local id, owner = ARGV[1], ARGV[2]
local known = fields(K.delivery(id), 'state', 'owner', 'url', 'holder')
if not known.state or (owner ~= '' and known.owner ~= owner) then return 0 end
local now = clock()
call('HDEL', K.endpoints_gone(known.owner), known.url)
if known.state ~= 'pending' then
  call('HSET', K.delivery(id), 'state', 'pending', 'attempts', 0, 'next_at', seconds(now))
  call('HDEL', K.delivery(id), 'ended_at')
  call('PERSIST', K.delivery(id))
  call('PERSIST', K.delivery_log(id))
  call('ZADD', K.webhooks_due(), seconds(now), id)
elseif not known.holder and call('ZADD', K.webhooks_due(), 'LT', 'CH', seconds(now), id) == 1 then
  call('HSET', K.delivery(id), 'next_at', seconds(now))
end
return 1
