-- What happened to a job after an entry: {id of the newest entry, one of these, its content}.
-- more: entries. over: nothing, the job has ended and the caller knows it. gap: {record as `job` gives it, the whole
-- text so far}, where entries after that one are gone or none was named. nil if there is no such job.
local id, after = ARGV[1], ARGV[2]
local job = fields(K.job(id), 'state', 'last_event', 'leader')
if not job.state then return false end
local first = call('XRANGE', K.events(id), '-', '+', 'COUNT', 1)[1]
local newest = call('XREVRANGE', K.events(id), '+', '-', 'COUNT', 1)[1]
local last = newest and newest[1] or job.last_event or '0-0'
if after ~= '' then
  if TERMINAL[job.state] and not is_before(after, last) then return {last, 'over'} end
  if first and not is_before(after, first[1]) and not is_before(last, after) then
    return {last, 'more', call('XRANGE', K.events(id), '(' .. after, '+')}
  end
end
return {last, 'gap', {record(id, clock(), {}), call('GET', K.text(job.leader or id)) or ''}}
