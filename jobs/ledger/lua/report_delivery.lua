-- How an attempt went: 'retry' (after so many seconds), 'delivered', 'failed' (for good), 'disabled' (410). 0 if the
-- delivery was claimed anew meanwhile. Repeatable.
local id, fence, outcome, attempt, pause_s = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local known = fields(K.delivery(id), 'state', 'fence', 'reported', 'owner', 'url')
if known.reported == fence then return 1 end
if known.state ~= 'pending' or known.fence ~= fence then return 0 end
local now = clock()
call('HSET', K.delivery(id), 'reported', fence)
call('HINCRBY', K.delivery(id), 'attempts', 1)
call('RPUSH', K.delivery_log(id), attempt)
count('webhook_' .. outcome, 1)
if outcome == 'retry' then
  call('HDEL', K.delivery(id), 'holder')
  call('HSET', K.delivery(id), 'next_at', seconds(now + pause_s))
  call('ZADD', K.webhooks_due(), seconds(now + pause_s), id)
else
  if outcome == 'disabled' then call('HSET', K.endpoints_gone(known.owner), known.url, seconds(now)) end
  end_delivery(id, outcome, now)
end
return 1
