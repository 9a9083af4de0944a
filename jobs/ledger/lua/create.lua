-- Enter a queued job; 0 if it is known already. Pins it to the latest announced spec of its model, a served one first.
local id, request, options, owner, priority, model, created_at, expected_s = unpack(ARGV)
if call('EXISTS', K.job(id)) == 1 then return 0 end
local now, arrival = clock(), ticket()
call('HSET', K.job(id), 'request', request, 'options', options, 'owner', owner, 'priority', priority, 'model', model,
  'ticket', arrival, 'state', 'queued', 'created_at', created_at, 'entered_at', seconds(now),
  'expected_s', expected_s, 'registered', 0, 'registered_stop', 0, 'done', 0, 'done_samples', 0, 'prefix', 0,
  'progress', 0)
call('ZADD', K.owner_jobs(owner), created_at, id)
local keys = call('ZREVRANGE', K.announced(model), 0, -1)
local chosen = keys[1]
for i = #keys, 1, -1 do
  if live_workers(keys[i], now) > 0 then chosen = keys[i] end
end
if chosen then
  pin(load_job(id), chosen, cjson.decode(call('HGET', K.specs(), chosen)), now)
else
  call('ZADD', K.asked(model), RANK[priority] + number(arrival), id)
  call('ZADD', K.unpinned(), seconds(now), id)
end
return 1
