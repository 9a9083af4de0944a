-- Webhook deliveries. The script that ends a job enters its delivery, so none is lost between the two. One in hand is
-- leased for longer than an attempt may last, by its place in the queue; no heartbeat is needed.

-- the log of a delivery that has ended is kept for a week, its place in its owner's list for as long as any may last
local DELIVERY_KEPT_S = 7 * 86400
local LISTED_S = 30 * 86400

local function end_delivery(id, state, now)
  call('HSET', K.delivery(id), 'state', state, 'ended_at', seconds(now))
  call('HDEL', K.delivery(id), 'next_at', 'holder')
  call('ZREM', K.webhooks_due(), id)
  call('EXPIRE', K.delivery(id), DELIVERY_KEPT_S)
  call('EXPIRE', K.delivery_log(id), DELIVERY_KEPT_S)
end

local function is_gone(owner, url)
  return call('HEXISTS', K.endpoints_gone(owner), url) == 1
end

-- record: what the body is made of, a JSON list as HGETALL gives it; '' for a test
local function enter_delivery(id, owner, job, url, kind, record, now)
  call('HSET', K.delivery(id), 'id', id, 'owner', owner, 'job', job, 'url', url, 'type', kind, 'record', record,
    'state', 'pending', 'attempts', 0, 'created_at', seconds(now), 'next_at', seconds(now))
  call('ZADD', K.owner_deliveries(owner), seconds(now), id)
  call('ZREMRANGEBYSCORE', K.owner_deliveries(owner), '-inf', seconds(now - LISTED_S))
  if is_gone(owner, url) then
    end_delivery(id, 'disabled', now)
  else
    call('ZADD', K.webhooks_due(), seconds(now), id)
  end
end

-- A job has ended, its record says so already: its owner is told, if it asked for that.
local function announce_end(id, owner, state, now)
  local request = call('HGET', K.job(id), 'request')
  local url = request and cjson.decode(request).webhook_url
  if type(url) ~= 'string' then return end
  local record = cjson.encode(call('HGETALL', K.job(id)))
  enter_delivery('msg_' .. id .. '_' .. ticket(), owner, id, url, 'job.' .. state, record, now)
end
