-- Claimable work and who is there for it: {CPU units, {WorkerInfo…}, {key, spec, claimable, backlog…}}.
local now = clock()
local workers, models = {}, {}
for _, incarnation in ipairs(call('ZRANGEBYSCORE', K.alive(), seconds(now), '+inf')) do
  local info = call('HGET', K.workers(), incarnation)
  if info then workers[#workers + 1] = info end
end
local specs = call('HGETALL', K.specs())
for i = 1, #specs, 2 do
  local totals = fields(K.totals(specs[i]), 'claimable', 'backlog')
  models[#models + 1] = {specs[i], specs[i + 1], totals.claimable or '0', totals.backlog or '0'}
end
return {call('ZCARD', K.prepare()) + call('ZCARD', K.finish()), workers, models}
