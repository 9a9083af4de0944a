-- A page of an owner's jobs, newest first: {cursor of the next page or '', {record…}}.
-- The cursor is the last one looked at, `created_at:id`: jobs that come later stand before it. A call looks at so many
-- jobs and no more, so a page of a filtered list may be short, even empty.
local owner, limit, cursor, filter = ARGV[1], tonumber(ARGV[2]), ARGV[3], cjson.decode(ARGV[4])
local LOOKED_AT_MOST, STEP = 2000, 100

local states = {}
for _, state in ipairs(filter.states) do states[state] = true end
local needs_request = filter.filename ~= '' or next(filter.metadata) ~= nil

local function wanted(id)
  local state, text = unpack(call('HMGET', K.job(id), 'state', needs_request and 'request' or 'state'))
  if not state or (#filter.states > 0 and not states[state]) then return false end
  if not needs_request then return true end
  local request = cjson.decode(text)
  for name, value in pairs(filter.metadata) do
    if request.metadata[name] ~= value then return false end
  end
  return string.find(string.lower(request.filename), string.lower(filter.filename), 1, true) ~= nil
end

local now, crowds, found, looked = clock(), {}, {}, 0
local from, last = string.match(cursor, '^([^:]+):(.*)$')
local newest = from or filter.before ~= '' and '(' .. filter.before or '+inf'
local oldest = filter.after ~= '' and filter.after or '-inf'
local offset, done = 0, false
while not done and #found < limit and looked < LOOKED_AT_MOST do
  local entries = call('ZREVRANGEBYSCORE', K.owner_jobs(owner), newest, oldest, 'WITHSCORES', 'LIMIT', offset, STEP)
  done, offset = #entries < 2 * STEP, offset + STEP
  for i = 1, #entries, 2 do
    local id, score = entries[i], entries[i + 1]
    -- equal times are listed by descending id: those at the cursor's time were seen down to its id
    local seen = from and tonumber(score) == tonumber(from) and id >= last
    if not seen and #found < limit then
      looked, cursor = looked + 1, score .. ':' .. id
      if wanted(id) then found[#found + 1] = record(id, now, crowds) end
    elseif not seen then
      done = false
    end
  end
end
if done then cursor = '' end
return {cursor, found}
