-- Which of an owner's quotas is used up, and in how many seconds it is anew; {'', 0} if none is.
local which, seconds_left = used_up(ARGV[1], clock())
return {which or '', seconds_left or 0}
