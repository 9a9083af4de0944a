-- Jobs of one owner with the same audio and options share one's work: the first leads, the others follow. A follower
-- has a record and no units of its own. Once its leader has succeeded it gets a finish, which copies the transcript;
-- if its leader ends otherwise, the followers enter anew: the first of them leads, and begins from its own audio.

-- what a follower shows of its leader, and keeps of one that has succeeded
local KEPT = {'model_key', 'revision', 'dtype', 'rate', 'expected_s', 'measured', 'decoded_s', 'registered',
  'registered_stop', 'total', 'channels', 'done', 'done_samples', 'skipped_samples', 'prefix',
  'prepare_warnings'}
-- what it only shows
local SHOWN = {'progress', 'prepare', 'finish'}

-- The audio or the options are at fault: whoever shares them fails alike. Other failures are the leader's own.
local SHARED_FAULTS = {
  ['audio-empty'] = true, ['audio-unreadable'] = true, ['audio-not-finite'] = true, ['audio-too-long'] = true,
  ['audio-too-many-channels'] = true, ['audio-too-heavy'] = true, ['window-too-short'] = true,
  ['language-unknown'] = true, ['timestamps-unknown'] = true, ['prepare-crashed'] = true, ['window-crashed'] = true,
}

-- The first unit of the job was claimed, or of the job that it follows.
local function begin(job, now)
  if job.state ~= 'queued' then return end
  job.state = 'running'
  call('HSET', K.job(job.id), 'state', 'running', 'started_at', seconds(now))
  weigh(job.id)
  tell(job.id, 'state', 'running', 'stage', job.finish and 'finishing' or 'preparing')
  for _, id in ipairs(call('ZRANGE', K.followers(job.id), 0, -1)) do begin(load_job(id), now) end
end

-- A follower whose leader has succeeded: a finish will copy the transcript.
local function offer_copy(id, leader, now)
  for i, value in ipairs(call('HMGET', K.job(leader), unpack(KEPT))) do
    if value then call('HSET', K.job(id), KEPT[i], value) end
  end
  call('HSET', K.job(id), 'progress', 0.999)
  offer_finish(id, now)
end

-- Who shares work has it done at the highest priority among them.
local function lift(job, priority, now)
  if RANK[priority] >= RANK[job.priority] then return end
  local key, rank = job.model_key, RANK[priority] + number(job.ticket)
  if key then leave_turn(job) end
  job.priority, job.turn = priority, nil -- its tag meant something among the jobs of its former priority only
  call('HSET', K.job(job.id), 'priority', priority)
  call('HDEL', K.job(job.id), 'turn')
  if not key then
    call('ZADD', K.asked(job.model), rank, job.id)
    return
  end
  call('ZADD', K.queue(key), rank, job.id)
  call('HSET', K.groups(key), job.id, priority .. ':' .. job.owner)
  if waiting_windows(job.id) > 0 then enter_turn(job) end
  if job.prepare == 'ready' then offer_prepare(job.id, now) end
end

local function follow(job, leader, now)
  call('HSET', K.job(job.id), 'leader', leader.id)
  weigh(job.id)
  if leader.state == 'succeeded' then
    offer_copy(job.id, leader.id, now)
    return
  end
  call('ZADD', K.followers(leader.id), number(job.ticket), job.id)
  local text = call('GET', K.text(leader.id))
  if text then tell(job.id, 'progress', call('HGET', K.job(leader.id), 'progress'), 'text', text) end
  lift(leader, job.priority, now)
  if leader.state == 'running' then begin(job, now) end
end

-- The announced spec of a model that a new job is pinned to: the latest, one that is served first; nil if none is.
local function spec_of(model, now)
  local keys = call('ZREVRANGE', K.announced(model), 0, -1)
  for _, key in ipairs(keys) do
    if live_workers(key, now) > 0 then return key end
  end
  return keys[1]
end

-- The job that does the same work: it runs or has succeeded, with the model that this one would get.
local function leader_for(job, key)
  local id = job.same and call('GET', K.same(job.owner, job.same))
  local leader = id and id ~= job.id and load_job(id)
  local fits = leader and (leader.active or leader.state == 'succeeded') and leader.model_key == key
  return fits and leader or nil
end

-- A job without units begins: behind its leader, or in the queue of the spec that it is pinned to.
local function enter(job, key, leader, now)
  if leader then
    follow(job, leader, now)
    return
  end
  job.leader = nil
  call('HDEL', K.job(job.id), 'leader')
  weigh(job.id)
  if job.same then call('SET', K.same(job.owner, job.same), job.id) end
  if key then
    pin(job, key, cjson.decode(call('HGET', K.specs(), key)), now)
  else
    call('ZADD', K.asked(job.model), RANK[job.priority] + number(job.ticket), job.id)
    call('ZADD', K.unpinned(), call('HGET', K.job(job.id), 'entered_at'), job.id)
  end
end

-- A follower has to begin anew. Its text is nobody's any more, so who follows it is given a snapshot.
local function enter_anew(job, now)
  call('DEL', K.events(job.id))
  tell(job.id, 'state', job.state)
  local key = spec_of(job.model, now)
  enter(job, key, leader_for(job, key), now)
end

-- The job has ended or is forgotten: what becomes of those that share its work.
function part_with_followers(job, now)
  local followers = call('ZRANGE', K.followers(job.id), 0, -1)
  call('DEL', K.followers(job.id))
  if job.state == 'succeeded' then
    for _, id in ipairs(followers) do offer_copy(id, job.id, now) end
    return
  end
  local same = job.same and K.same(job.owner, job.same)
  if same and call('GET', same) == job.id then call('DEL', same) end
  local problem = job.state == 'failed' and call('HGET', K.job(job.id), 'error')
  local shared = problem and SHARED_FAULTS[cjson.decode(problem).type]
  for _, id in ipairs(followers) do
    local follower = load_job(id)
    if shared then fail(follower, problem, now) else enter_anew(follower, now) end
  end
end
