-- The delivery that has been due longest, as JSON; '' if there is none. Its next claim is due after attempt_s.
local incarnation, claim, lease_s, attempt_s = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local before = answered(incarnation, claim)
if before then return before end
local now = clock()
while true do
  local id = call('ZRANGEBYSCORE', K.webhooks_due(), '-inf', seconds(now), 'LIMIT', 0, 1)[1]
  if not id then return '' end
  local known = fields(K.delivery(id), 'state', 'owner', 'job', 'url', 'type', 'record', 'attempts', 'created_at')
  if known.state ~= 'pending' then
    call('ZREM', K.webhooks_due(), id)
  elseif is_gone(known.owner, known.url) then
    end_delivery(id, 'disabled', now)
  else
    local fence = ticket()
    call('HSET', K.delivery(id), 'fence', fence, 'holder', incarnation)
    call('ZADD', K.webhooks_due(), seconds(now + attempt_s), id)
    renew(incarnation, now, lease_s)
    known.id, known.fence, known.state = id, fence, nil
    return remember(incarnation, claim, cjson.encode(known))
  end
end
