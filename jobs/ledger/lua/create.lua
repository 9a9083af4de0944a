-- Enter a queued job; nothing changes if it is known already. Returns whether it is new, and the job that it follows;
-- or -1 and how much of its owner's audio waits (ms), where that is too much; or -2 (of the day), -3 (of the month) and
-- in how many seconds its owner's quota is anew, where it is used up: then nothing has changed either.
-- Where it has none to follow it is pinned to the latest announced spec of its model, a served one first.
local id, request, options, owner, priority, model, created_at, expected_s, same, retention_s = unpack(ARGV, 1, 10)
local queued_cap, running_cap = tonumber(ARGV[11]), tonumber(ARGV[12]) -- ms; 0: none
if call('EXISTS', K.job(id)) == 1 then return {0, call('HGET', K.job(id), 'leader') or ''} end
local now = clock()
local key = spec_of(model, now)
local leader = leader_for({id = id, owner = owner, same = same ~= '' and same or nil}, key)
local queued = number(call('HGET', K.owner_load(owner), 'queued'))
-- one that is longer than the cap may wait alone
if queued_cap > 0 and not leader and queued > 0 and queued + expected_s * 1000 > queued_cap then return {-1, queued} end
local which, quota_s = used_up(owner, now)
if which and not leader then return {which == 'day' and -2 or -3, quota_s} end
local arrival = ticket()
call('HSET', K.job(id), 'request', request, 'options', options, 'owner', owner, 'priority', priority, 'model', model,
  'ticket', arrival, 'state', 'queued', 'created_at', created_at, 'entered_at', seconds(now),
  'expected_s', expected_s, 'registered', 0, 'registered_stop', 0, 'done', 0, 'done_samples', 0, 'prefix', 0,
  'progress', 0)
count('created', 1)
if ARGV[13] ~= '1' then call('HSET', K.job(id), 'format', ARGV[13]) end
if same ~= '' then call('HSET', K.job(id), 'same', same) end
if retention_s ~= '' then call('HSET', K.job(id), 'retention_s', retention_s) end
if running_cap > 0 then call('HSET', K.job(id), 'running_cap', running_cap) end
call('ZADD', K.owner_jobs(owner), created_at, id)
tell(id, 'state', 'queued')
enter(load_job(id), key, leader, now)
return {1, call('HGET', K.job(id), 'leader') or ''}
