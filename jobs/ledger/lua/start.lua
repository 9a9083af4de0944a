-- The process is about to run these units, and expects to be done in expected_s: kind, job, index ('' for CPU units),
-- fence, each. Returns for each 1 if it is still the caller's: whatever isn't needn't be run.
local incarnation, expected_s, held = ARGV[1], tonumber(ARGV[2]), {}
local model_key
for i = 3, #ARGV, 4 do
  local kind, id, index, fence = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local job, ours = load_job(id), false
  if kind == 'window' then
    local lease = own_lease(job, index, fence, incarnation)
    ours = lease ~= nil
    if lease and not lease.started then
      call('HSET', K.leases(id), index, fence .. ':1:' .. incarnation)
      model_key = job.model_key
    end
  else
    ours = holds(job, kind, fence) and job[kind .. '_holder'] == incarnation
    if ours then call('HSET', K.job(id), kind .. '_started', '1') end
  end
  held[#held + 1] = ours and 1 or 0
end
if model_key then batch_begins(model_key, clock(), expected_s) end
return held
