-- A page of an owner's jobs, newest first: {cursor of the next page or '', {record…}}.
-- The cursor is the last one looked at, `created_at:id`; with a state filter a page may be short, even empty.
local owner, limit, cursor, state = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local LOOKED_AT_MOST, STEP = 5000, 100

local now, crowds, found, looked = clock(), {}, {}, 0
local from, last = string.match(cursor, '^([^:]+):(.*)$')
local offset, done = 0, false
while not done and #found < limit and looked < LOOKED_AT_MOST do
  local entries = call('ZREVRANGEBYSCORE', K.owner_jobs(owner), from or '+inf', '-inf', 'WITHSCORES',
    'LIMIT', offset, STEP)
  done, offset = #entries < 2 * STEP, offset + STEP
  for i = 1, #entries, 2 do
    local id, score = entries[i], entries[i + 1]
    -- equal times are listed by descending id: those at the cursor's time were seen down to its id
    local seen = from and tonumber(score) == tonumber(from) and id >= last
    if not seen and #found < limit then
      looked, cursor = looked + 1, score .. ':' .. id
      if state == '' or call('HGET', K.job(id), 'state') == state then
        found[#found + 1] = record(id, now, crowds)
      end
    elseif not seen then
      done = false
    end
  end
end
if done then cursor = '' end
return {cursor, found}
