-- Enter a job whose transcript is in the store already: succeeded from the start. 0 if the job is known.
local id, request, owner, priority, model, created_at, revision, dtype, duration_s, finished_at, retention_s = unpack(ARGV)
if call('EXISTS', K.job(id)) == 1 then return 0 end
call('HSET', K.job(id), 'request', request, 'owner', owner, 'priority', priority, 'model', model,
  'ticket', ticket(), 'state', 'succeeded', 'created_at', created_at, 'entered_at', seconds(clock()),
  'finished_at', finished_at, 'revision', revision, 'dtype', dtype, 'duration_s', duration_s)
call('ZADD', K.owner_jobs(owner), created_at, id)
if retention_s ~= '' then call('HSET', K.job(id), 'retention_s', retention_s) end
expire(id, tonumber(finished_at))
return 1
