-- A page of an owner's jobs, newest first: {cursor of the next page or '', {record…}}.
-- The cursor is `created_at:id`.
local owner, limit, cursor, filter = ARGV[1], tonumber(ARGV[2]), ARGV[3], cjson.decode(ARGV[4])

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

local now, crowds = clock(), {}

local function show(id)
  if wanted(id) then return record(id, now, crowds) end
end

local newest = filter.before ~= '' and '(' .. filter.before or '+inf'
local oldest = filter.after ~= '' and filter.after or '-inf'
return page_of(K.owner_jobs(owner), limit, cursor, newest, oldest, show)
