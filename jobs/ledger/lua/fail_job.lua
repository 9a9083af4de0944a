-- The holder of a prepare or finish unit says that the job can't succeed.
local kind, id, fence, problem = unpack(ARGV)
local job = load_job(id)
if not holds(job, kind, fence) then
  if call('HGET', K.job(id), 'failed_by') == kind .. ':' .. fence then return 1 end
  return refused('the ' .. kind .. ' of ' .. id .. ' was claimed anew or ended')
end
call('HSET', K.job(id), 'failed_by', kind .. ':' .. fence)
fail(job, problem, clock())
return 1
