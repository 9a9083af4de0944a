-- What a client reads of a job: its record, and where it stands in its queue.

-- Of a longer queue, the rest is taken at its average.
local LOOKED_AT = 100
-- 1,000 characters are at most 4,000 bytes of UTF-8
local TEXT_BYTES = 4000
local WEIGHT = {high = 6, normal = 3, low = 1}

-- Every job at the head of a model's queue, with what remains of it and its share of the workers.
local function crowd_of(key, now)
  local crowd = {jobs = {}, speed = 0}
  local ids = call('ZRANGE', K.queue(key), 0, LOOKED_AT - 1)
  local lefts = #ids > 0 and call('HMGET', K.remaining(key), unpack(ids)) or {}
  local groups = #ids > 0 and call('HMGET', K.groups(key), unpack(ids)) or {}
  local owners, siblings = {}, {}
  for i, group in ipairs(groups) do
    local priority = string.match(group, '^%a+')
    if not siblings[group] then owners[priority] = (owners[priority] or 0) + 1 end
    siblings[group] = (siblings[group] or 0) + 1
    crowd.jobs[i] = {left = number(lefts[i]), group = group, priority = priority}
  end
  for _, job in ipairs(crowd.jobs) do
    job.share = WEIGHT[job.priority] / owners[job.priority] / siblings[job.group]
  end
  local live = call('ZRANGEBYSCORE', K.serving(key), seconds(now), '+inf')
  local measured = 0
  for _, speed in ipairs(#live > 0 and call('HMGET', K.speeds(key), unpack(live)) or {}) do
    crowd.speed = crowd.speed + number(speed)
    if number(speed) > 0 then measured = measured + 1 end
  end
  -- a worker that has just come will do as the others do
  if measured > 0 then crowd.speed = crowd.speed * #live / measured end
  crowd.live = #live
  crowd.count = call('ZCARD', K.queue(key))
  local totals = fields(K.totals(key), 'backlog', 'runs_since', 'runs_until')
  crowd.backlog = number(totals.backlog)
  -- what every worker has been at since the last commit is done so far, however long its batch takes
  crowd.done_s = math.max(0, math.min(now, number(totals.runs_until)) - number(totals.runs_since))
  return crowd
end

-- Samples ahead of the job at a rank (0 is the head).
local function samples_ahead(crowd, rank)
  local ahead = 0
  for i = 1, math.min(rank, #crowd.jobs) do ahead = ahead + crowd.jobs[i].left end
  if rank > #crowd.jobs then
    ahead = ahead + (rank - #crowd.jobs) * (crowd.backlog - ahead) / (crowd.count - #crowd.jobs)
  end
  return ahead
end

-- Samples that will have been served, over all jobs, when this one's last is: all run at once by their shares, so
-- until then another gets as much as its share allows, or all that it wants.
local function samples_until_end(crowd, rank, left)
  local job = crowd.jobs[rank + 1]
  if not job then return samples_ahead(crowd, rank) + left end
  local sum = 0
  for _, other in ipairs(crowd.jobs) do
    sum = sum + math.min(other.left, other.share * job.left / job.share)
  end
  return sum
end

-- Queue position, seconds ahead, seconds until the end; '' where unknown.
local function standing(id, job, crowd)
  local key = job.model_key
  if not key then return call('ZRANK', K.asked(job.model), id) or '', '', '' end
  local rank = call('ZRANK', K.queue(key), id)
  if not rank then return 0, seconds(0), seconds(0) end -- a follower that waits for its copy only
  local rate, left = number(job.rate), number(call('HGET', K.remaining(key), id))
  local eta = ''
  if crowd.speed > 0 and (job.total or job.measured) then
    eta = seconds(math.max(0, samples_until_end(crowd, rank, left) / rate / crowd.speed - crowd.done_s))
  end
  return rank, seconds(samples_ahead(crowd, rank) / rate), eta
end

-- A follower shows how far its leader is. Returns the job whose work that is.
local function show_leader(all, job, id)
  if not job.leader or job.finish then return id end
  for _, names in ipairs({KEPT, SHOWN}) do
    for i, value in ipairs(call('HMGET', K.job(job.leader), unpack(names))) do
      if value then
        job[names[i]] = value
        table.insert(all, names[i])
        table.insert(all, value)
      end
    end
  end
  return job.leader
end

-- {record as HGETALL gives it, text, live workers, position, seconds ahead, eta}; nil if there is no such job.
-- crowds: model key → what crowd_of said, kept over one script.
local function record(id, now, crowds)
  local all, job = call('HGETALL', K.job(id)), {}
  if #all == 0 then return nil end
  for i = 1, #all, 2 do job[all[i]] = all[i + 1] end
  if TERMINAL[job.state] then return {all, '', 0, '', '', ''} end
  local source = show_leader(all, job, id)
  local key = job.model_key
  if key and not crowds[key] then crowds[key] = crowd_of(key, now) end
  local position, ahead_s, eta_s = standing(source, job, crowds[key])
  local text = call('GETRANGE', K.text(source), -TEXT_BYTES, -1)
  return {all, text, key and crowds[key].live or 0, position, ahead_s, eta_s}
end
