-- Hours of audio of an owner per day and month (UTC): charged when a job's length is known.

local DAY_S = 86400

-- The day since the epoch on which the month of a day began.
local function month_began(day)
  -- days since the 1st of March of the year 0, then the day of the month by the lengths of months from March on
  local era_day = (day + 719468) % 146097
  local year = math.floor((era_day - math.floor(era_day / 1460) + math.floor(era_day / 36524) -
    math.floor(era_day / 146096)) / 365)
  local year_day = era_day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local month = math.floor((5 * year_day + 2) / 153)
  return day - (year_day - math.floor((153 * month + 2) / 5))
end

-- Charge a job's owner with its length, once; who shares another's work isn't charged.
local function charge(id, now)
  local job = fields(K.job(id), 'owner', 'total', 'rate', 'charged', 'leader')
  if job.charged or job.leader then return end
  local length_ms = whole(math.ceil(job.total / job.rate * 1000))
  call('HSET', K.job(id), 'charged', length_ms)
  call('HINCRBY', K.usage(job.owner), whole(math.floor(now / DAY_S)), length_ms)
  call('EXPIRE', K.usage(job.owner), 100 * DAY_S)
end

-- Which of an owner's quotas is used up, 'day' or 'month', and in how many seconds it is anew; nil if none is. What
-- waits and isn't charged yet counts.
local function used_up(owner, now)
  local quota = fields(K.quota(owner), 'day', 'month')
  if not (quota.day or quota.month) then return nil end
  local today = math.floor(now / DAY_S)
  local began = month_began(today)
  local days = {}
  for day = began, today do days[#days + 1] = whole(day) end
  local charged, waits = call('HMGET', K.usage(owner), unpack(days)), number(call('HGET', K.owner_load(owner), 'queued'))
  local of_month, of_day = waits, waits + number(charged[#charged])
  for _, of_one in ipairs(charged) do of_month = of_month + number(of_one) end
  if quota.month and of_month >= number(quota.month) then
    return 'month', math.ceil(month_began(began + 31) * DAY_S - now)
  end
  if quota.day and of_day >= number(quota.day) then return 'day', math.ceil((today + 1) * DAY_S - now) end
  return nil
end
