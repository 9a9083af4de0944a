-- Windows that were not run: job, index, fence, each. Claimable again, nothing held against them. Repeatable.
local incarnation = ARGV[1]
for i = 2, #ARGV, 3 do
  local job, index = load_job(ARGV[i]), ARGV[i + 1]
  local lease = own_lease(job, index, ARGV[i + 2], incarnation)
  if lease then return_window(job, index, lease, nil, clock()) end
end
return 1
