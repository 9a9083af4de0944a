-- All windows are registered and cover the audio. 1 if that completes the job.
local id, fence, total, warnings, max_rounds, problem, crashed = unpack(ARGV)
local job = load_job(id)
if not holds(job, 'prepare', fence) then
  local repeated = job.prepare_fence == fence and (job.prepare == 'done' or job.state == 'succeeded')
  if repeated then return job.finish == 'ready' and 1 or 0 end
  return refused('the prepare of ' .. id .. ' was claimed anew or ended')
end
local known = fields(K.job(id), 'registered_stop', 'repair', 'prepare_repair')
if number(known.registered_stop) ~= number(total) then
  local why = 'the windows of ' .. id .. ' end at ' .. known.registered_stop .. ', not at ' .. total
  return refuse_prepare(job, why, max_rounds, crashed)
end
local now = clock()
release_cpu(job, 'prepare')
call('HSET', K.job(id), 'total', total, 'prepare_warnings', warnings, 'prepare', 'done',
  'prepared_at', seconds(now))
set_remaining(id)
weigh(id)
charge(id, now)
if number(known.repair) ~= number(known.prepare_repair) then
  repair(job, tonumber(max_rounds), problem, now)
  return 0
end
for _, index in ipairs(call('SMEMBERS', K.missing(id))) do offer_window(job, index) end
call('DEL', K.missing(id))
call('HDEL', K.job(id), 'repair', 'prepare_repair')
if complete(id, now) then return 1 end
tell_sharers(id, 'state', 'running', 'stage', 'transcribing')
return 0
