-- How much of an owner's audio waits (ms); which of its quotas is used up, and in how many seconds it is anew: '' and 0
-- if none is.
local owner = ARGV[1]
local which, seconds_left = used_up(owner, clock())
return {number(call('HGET', K.owner_load(owner), 'queued')), which or '', seconds_left or 0}
