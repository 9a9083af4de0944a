-- The item before `next` has become a job, was refused from the start, or has a problem. Returns the batch's stage.
local id, next_index, refused_line, problem = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4]
local batch = fields(K.batch(id), 'stage', 'next')
if not batch.stage then return '' end
if next_index == number(batch.next) + 1 then
  call('HSET', K.batch(id), 'next', next_index)
  if refused_line then call('HINCRBY', K.batch(id), 'refused_left', -1) end
  if problem ~= '' then call('HSET', K.batch_errors(id), next_index - 1, problem) end
end
return batch.stage
