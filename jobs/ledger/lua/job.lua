-- One job's record with its standing; nil if there is no such job, or if it isn't the owner's ('' for anybody's).
-- Both kinds of nil take the same way, so that no answer's time tells another's job from none.
local id, owner = ARGV[1], ARGV[2]
local found = call('HGET', K.job(id), 'owner')
if not found or (owner ~= '' and found ~= owner) then return false end
return record(id, clock(), {}) or false
