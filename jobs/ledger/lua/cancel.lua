-- cancelled at once; a job that ended stays as it is. 0 if there is no such job.
local job = load_job(ARGV[1])
if not job.state then return 0 end
if job.active then end_job(job, 'cancelled', clock()) end
return 1
