-- Cancel a job that no request waits for any more. Returns 1 if none does.
local job, now = load_job(ARGV[1]), clock()
if call('ZCOUNT', K.attending(job.id), seconds(now), '+inf') > 0 then return 0 end
call('DEL', K.attending(job.id))
if job.active then end_job(job, 'cancelled', now) end
return 1
