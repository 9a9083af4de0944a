-- The transcript is in the store: succeeded. Never with audio missing.
local id, fence, warnings = unpack(ARGV)
local job = load_job(id)
if not holds(job, 'finish', fence) then
  if job.state == 'succeeded' and job.finish_fence == fence then return 1 end
  return refused('the finish of ' .. id .. ' was claimed anew or ended')
end
local known = fields(K.job(id), 'done_samples', 'total')
if number(known.done_samples) ~= number(known.total) then
  return refused(id .. ' has ' .. known.done_samples .. ' of ' .. known.total .. ' samples')
end
call('HSET', K.job(id), 'finish_warnings', warnings, 'progress', 1)
end_job(job, 'succeeded', clock())
return 1
