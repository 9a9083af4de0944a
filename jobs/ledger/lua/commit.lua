-- Finished windows: a name for this call, then job, index, fence, payload, text, each. Returns {accepted, fenced, jobs now complete…}.
-- A window that the same claim committed before counts as accepted and changes nothing.
local incarnation, call_id, keep_s = ARGV[1], ARGV[2], ARGV[3]
local jobs, order = {}, {}
local accepted, fenced, redone, committed = 0, 0, 0, 0

local function job_of(id)
  if not jobs[id] then
    local job = fields(K.job(id), 'state', 'rate', 'expected_s', 'registered_stop', 'total', 'done', 'done_samples',
      'prefix', 'progress')
    job.id, job.fresh, job.text = id, 0, {}
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

local function accept(job, index, fence, payload, text)
  local start, stop, left, right = string.match(call('HGET', K.windows(job.id), index), '^(%d+):(%d+):(%d+):(%d+)$')
  call('HSET', K.results(job.id), index, fence .. ':' .. payload)
  release_window(job.id, index, incarnation)
  redone = redone + call('HDEL', K.marks(job.id), index)
  job.fresh, job.done = job.fresh + 1, job.done + 1
  job.done_samples = job.done_samples + (stop - right) - (start + left)
  join_text(job, index, text)
end

-- Progress never goes back, though the estimate of the length may grow; it is 1 only once the job has succeeded.
local function progress_of(job)
  local length = math.max(number(job.expected_s) * number(job.rate), number(job.registered_stop), 1)
  local share = job.done_samples / (tonumber(job.total) or length)
  return math.max(number(job.progress), math.min(share, 0.999))
end

for i = 4, #ARGV, 5 do
  local id, index, fence = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local job = job_of(id)
  if own_lease(job, index, fence, incarnation) then
    accept(job, index, fence, ARGV[i + 3], ARGV[i + 4])
    accepted, committed = accepted + 1, committed + 1
  elseif string.match(call('HGET', K.results(id), index) or '', '^(%d+):') == fence then
    accepted = accepted + 1
  else
    fenced = fenced + 1
  end
end
count('committed', committed)
count('redone', redone)
-- unlike the others, a refusal leaves nothing behind that would keep a repeated call from counting it again
if fenced > 0 and call('SET', K.counted(call_id), 1, 'NX', 'EX', keep_s) then count('fenced', fenced) end

local answer = {accepted, fenced}
for _, job in ipairs(order) do
  if job.fresh > 0 then
    call('HSET', K.job(job.id), 'done', job.done, 'done_samples', job.done_samples, 'prefix', job.prefix,
      'progress', progress_of(job))
    if #job.text > 0 then call('APPEND', K.text(job.id), table.concat(job.text)) end
    set_remaining(job.id)
    complete(job.id, clock())
  end
  if job.active and call('HGET', K.job(job.id), 'finish') == 'ready' then answer[#answer + 1] = job.id end
end
return answer
