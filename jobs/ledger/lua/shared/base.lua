-- The clock, fields of a record, counting, the memory of answers.

local call = redis.call
local TERMINAL = {succeeded = true, failed = true, cancelled = true}

-- Redis's clock in seconds since the epoch.
local function clock()
  local time = call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1e6
end

-- Seconds as text with microseconds: Lua's own conversion in `..` keeps 14 digits only.
local function seconds(value)
  return string.format('%.6f', value)
end

local function whole(value)
  return string.format('%.0f', value)
end

local function number(text)
  return tonumber(text) or 0
end

-- Fields of a hash by name, as text; absent ones are nil.
local function fields(key, ...)
  local names, found = {...}, {}
  for i, value in ipairs(call('HMGET', key, ...)) do
    if value then found[names[i]] = value end
  end
  return found
end

local function refused(why)
  return redis.error_reply('REFUSED ' .. why)
end

local function ticket()
  return whole(call('INCR', K.ticket()))
end

local function count(name, by)
  if by > 0 then call('HINCRBY', K.counters(), name, by) end
end

-- A claim that is repeated, since its reply was lost, gets the same answer again, however long Redis was away: else
-- what it was given first would be held for ever. An incarnation has a few threads, each with one claim on its way.
local ANSWERS_KEPT = 64

local function answered(incarnation, claim)
  return call('HGET', K.answers(incarnation), claim)
end

local function remember(incarnation, claim, answer)
  call('HSET', K.answers(incarnation), claim, answer)
  if call('LPUSH', K.answered(incarnation), claim) > ANSWERS_KEPT then
    call('HDEL', K.answers(incarnation), call('RPOP', K.answered(incarnation)))
  end
  return answer
end

-- The lock is the holder's for as long as asked, if it is free or the holder's already; 1 or 0.
local function take_lock(key, holder, ttl_ms)
  local found = call('GET', key)
  if found and found ~= holder then return 0 end
  call('SET', key, holder, 'PX', ttl_ms)
  return 1
end

-- A unit's name in the set of what an incarnation holds.
local function member(kind, id, index)
  return index and kind .. ':' .. id .. ':' .. index or kind .. ':' .. id
end
