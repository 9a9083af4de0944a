-- Forget a job, whatever its state; 0 if there is no such job.
local job = load_job(ARGV[1])
if not job.state then return 0 end
if job.active then
  withdraw(job)
  tell_last(job.id, 'state', 'cancelled')
else
  call('DEL', K.events(job.id))
end
call('ZREM', K.owner_jobs(job.owner), job.id)
call('ZREM', K.expiries(), job.id)
local problem = call('HGET', K.job(job.id), 'error')
if problem then call('ZREM', K.failures(), failure(job.id, problem)) end
call('DEL', K.job(job.id))
job.state = 'deleted'
part_with_followers(job, clock())
let_others_begin(job.owner, clock())
return 1
