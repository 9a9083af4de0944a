-- The transcript that a follower was to copy isn't there any more: it enters anew, and works from its own audio.
local id, fence = unpack(ARGV)
local job = load_job(id)
if not holds(job, 'finish', fence) or not job.leader then
  -- repeated: it has entered since
  if job.active and job.finish_fence == fence then return 1 end
  return refused('the finish of ' .. id .. ' was claimed anew or ended')
end
release_cpu(job, 'finish')
local gone, expected_s = job.leader, call('HGET', K.job(id), 'expected_s')
call('HDEL', K.job(id), 'finish', 'leader', unpack(KEPT))
call('HSET', K.job(id), 'expected_s', expected_s, 'registered', 0, 'registered_stop', 0, 'done', 0, 'done_samples', 0,
  'prefix', 0, 'progress', 0)
if call('GET', K.same(job.owner, job.same)) == gone then call('DEL', K.same(job.owner, job.same)) end
enter_anew(load_job(id), clock())
return 1
