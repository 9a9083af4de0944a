-- Pages of a sorted set whose scores are times, newest first.

-- A call looks at so many entries and no more, so a page of a filtered list may be short, even empty.
local LOOKED_AT_MOST, STEP = 2000, 100

-- {cursor of the next page or '', {what `show` made of each entry; it gives nothing for one that isn't wanted}}.
-- The cursor is the last one looked at, `score:id`: entries that come later stand before it. newest, oldest: bounds as
-- ZREVRANGEBYSCORE takes them; a cursor goes on where its page ended.
local function page_of(set, limit, cursor, newest, oldest, show)
  local from, last = string.match(cursor, '^([^:]+):(.*)$')
  local found, looked, offset, done = {}, 0, 0, false
  while not done and #found < limit and looked < LOOKED_AT_MOST do
    local entries = call('ZREVRANGEBYSCORE', set, from or newest, oldest, 'WITHSCORES', 'LIMIT', offset, STEP)
    done, offset = #entries < 2 * STEP, offset + STEP
    for i = 1, #entries, 2 do
      local id, score = entries[i], entries[i + 1]
      -- equal times are listed by descending id: those at the cursor's time were seen down to its id
      local seen = from and tonumber(score) == tonumber(from) and id >= last
      if not seen and #found < limit then
        looked, cursor = looked + 1, score .. ':' .. id
        found[#found + 1] = show(id)
      elseif not seen then
        done = false
      end
    end
  end
  return {done and '' or cursor, found}
end
