-- Finished windows: a name for this call, then job, index, fence, payload, text, each.
-- Returns {accepted, fenced, jobs now complete…}.
-- A window that the same claim committed before counts as accepted and changes nothing.
local incarnation, call_id, keep_s = ARGV[1], ARGV[2], ARGV[3]
local now, jobs, order = clock(), {}, {}
local accepted, fenced = 0, 0

local function job_of(id)
  if not jobs[id] then
    local job = fields(K.job(id), 'state', 'rate', 'expected_s', 'registered_stop', 'total', 'done', 'done_samples',
      'prefix', 'progress', 'model_key')
    job.id, job.text, job.indexes, job.results, job.fences = id, {}, {}, {}, {}
    job.active = job.state and not TERMINAL[job.state]
    job.done, job.done_samples, job.prefix = number(job.done), number(job.done_samples), number(job.prefix)
    jobs[id] = job
    order[#order + 1] = job
  end
  return jobs[id]
end

-- Join the window's own text to the job's as far as there is no gap.
local function join_text(job, index, text)
  if tonumber(index) ~= job.prefix then
    call('HSET', K.later_text(job.id), index, text)
    return
  end
  while text do
    job.text[#job.text + 1] = text
    job.prefix = job.prefix + 1
    text = call('HGET', K.later_text(job.id), job.prefix)
    if text then call('HDEL', K.later_text(job.id), job.prefix) end
  end
end

-- The window is done; what the keys are told of it is gathered for `write`.
local function accept(job, index, fence, payload, text)
  local start, stop, left, right = string.match(call('HGET', K.windows(job.id), index), '^(%d+):(%d+):(%d+):(%d+)$')
  local indexes, results = job.indexes, job.results
  indexes[#indexes + 1], job.fences[index] = index, fence
  results[#results + 1], results[#results + 2] = index, fence .. ':' .. payload
  job.done = job.done + 1
  job.done_samples = job.done_samples + (stop - right) - (start + left)
  join_text(job, index, text)
end

local function write(job)
  local id, held = job.id, {}
  for i, index in ipairs(job.indexes) do held[i] = member('window', id, index) end
  call('HSET', K.results(id), unpack(job.results))
  call('HDEL', K.leases(id), unpack(job.indexes))
  call('SREM', K.held(incarnation), unpack(held))
  local text, progress = table.concat(job.text), progress_of(job)
  if #text > 0 then call('APPEND', K.text(id), text) end
  call('HSET', K.job(id), 'done', job.done, 'done_samples', job.done_samples, 'prefix', job.prefix,
    'progress', progress)
  tell_sharers(id, 'progress', progress, unpack(#text > 0 and {'text', text} or {}))
  count('committed', #job.indexes)
  count('redone', call('HDEL', K.marks(id), unpack(job.indexes)))
  set_remaining(id)
  complete(id, now)
end

local function was_committed(job, index, fence)
  local by = job.fences[index] or string.match(call('HGET', K.results(job.id), index) or '', '^(%d+):')
  return by == fence
end

for i = 4, #ARGV, 5 do
  local id, index, fence = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local job = job_of(id)
  if not job.fences[index] and own_lease(job, index, fence, incarnation) then
    accept(job, index, fence, ARGV[i + 3], ARGV[i + 4])
    accepted = accepted + 1
  elseif was_committed(job, index, fence) then
    accepted = accepted + 1
  else
    fenced = fenced + 1
  end
end
-- unlike the others, a refusal leaves nothing behind that would keep a repeated call from counting it again
if fenced > 0 and call('SET', K.counted(call_id), 1, 'NX', 'EX', keep_s) then count('fenced', fenced) end

local answer, model_key = {accepted, fenced}, nil
for _, job in ipairs(order) do
  if #job.indexes > 0 then
    write(job)
    model_key = job.model_key
  end
  if job.active and call('HGET', K.job(job.id), 'finish') == 'ready' then answer[#answer + 1] = job.id end
end
if model_key then batch_ends(model_key, now) end
return answer
