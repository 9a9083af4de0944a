-- The delivery that has been due longest, as JSON; '' if there is none. Its next claim is due after attempt_s. From the
-- fifth argument on: receivers (scheme, host and port of a URL) that are to get nothing now.
local incarnation, claim, lease_s, attempt_s = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local LOOKED_AT_MOST = 1000
local before = answered(incarnation, claim)
if before then return before end

local now, busy = clock(), {}
for i = 5, #ARGV do busy[ARGV[i]] = true end
for _, id in ipairs(call('ZRANGEBYSCORE', K.webhooks_due(), '-inf', seconds(now), 'LIMIT', 0, LOOKED_AT_MOST)) do
  local known = fields(K.delivery(id), 'state', 'owner', 'url')
  if known.state ~= 'pending' then
    call('ZREM', K.webhooks_due(), id)
  elseif is_gone(known.owner, known.url) then
    end_delivery(id, 'disabled', now)
  elseif not busy[string.match(known.url, '^%a+://[^/?#]*') or ''] then
    local fence, found = ticket(), fields(K.delivery(id), 'job', 'type', 'record', 'attempts', 'created_at')
    call('HSET', K.delivery(id), 'fence', fence, 'holder', incarnation)
    call('ZADD', K.webhooks_due(), seconds(now + attempt_s), id)
    renew(incarnation, now, lease_s)
    found.id, found.fence, found.owner, found.url = id, fence, known.owner, known.url
    return remember(incarnation, claim, cjson.encode(found))
  end
end
return ''
