-- Give a prepare up for now; parked, it comes back when the job's waiting windows run low (claim_windows),
-- or, where it is to rest for some seconds, after these (wake_resting).
local id, fence, parked, wake_below, rest_s = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4]), tonumber(ARGV[5])
local job = load_job(id)
if not holds(job, 'prepare', fence) then
  -- repeated: the same claim has given it up before
  if job.active and job.prepare_fence == fence then return 1 end
  return refused('the prepare of ' .. id .. ' was claimed anew or ended')
end
release_cpu(job, 'prepare')
if rest_s > 0 then
  call('HSET', K.job(id), 'prepare', 'parked')
  call('ZADD', K.resting(), seconds(clock() + rest_s), id)
elseif parked and waiting_windows(id) >= wake_below then
  call('HSET', K.job(id), 'prepare', 'parked')
else
  offer_prepare(id, clock())
end
return 1
