-- The process is about to run these units: kind, job, index ('' for CPU units), fence, each. Returns for each 1 if it
-- is still the caller's: whatever isn't needn't be run.
local incarnation, held = ARGV[1], {}
for i = 2, #ARGV, 4 do
  local kind, id, index, fence = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local job, ours = load_job(id), false
  if kind == 'window' then
    ours = own_lease(job, index, fence, incarnation) ~= nil
    if ours then call('HSET', K.leases(id), index, fence .. ':1:' .. incarnation) end
  else
    ours = holds(job, kind, fence) and job[kind .. '_holder'] == incarnation
    if ours then call('HSET', K.job(id), kind .. '_started', '1') end
  end
  held[#held + 1] = ours and 1 or 0
end
return held
