-- Give a prepare up for now; parked, it comes back when the job's waiting windows run low (claim_windows).
local id, fence, parked, wake_below = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4])
local job = load_job(id)
if not holds(job, 'prepare', fence) then
  -- repeated: the same claim has given it up before
  if job.active and job.prepare_fence == fence then return 1 end
  return refused('the prepare of ' .. id .. ' was claimed anew or ended')
end
release_cpu(job, 'prepare')
if parked and waiting_windows(id) >= wake_below then
  call('HSET', K.job(id), 'prepare', 'parked')
else
  offer_prepare(id, clock())
end
return 1
