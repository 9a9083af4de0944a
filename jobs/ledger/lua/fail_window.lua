-- A forward raised. In company the window becomes suspect; alone it's a death, the last of which fails the job.
-- Repeatable: the first time takes the lease. Returns 1 if the job has failed.
local incarnation, id, index, fence, problem, alone, max_deaths = unpack(ARGV)
local job = load_job(id)
local lease = own_lease(job, index, fence, incarnation)
if not lease then return job.state == 'failed' and 1 or 0 end
release_window(id, index, incarnation)
if suspect(id, index, alone == '1') >= tonumber(max_deaths) then
  fail(job, problem, clock())
  return 1
end
offer_window(job, index)
return 0
