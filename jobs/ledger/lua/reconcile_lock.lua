-- The lock is the caller's for as long as asked, if it is free or the caller's already.
local incarnation, ttl_ms = ARGV[1], ARGV[2]
local holder = call('GET', K.lock())
if holder and holder ~= incarnation then return 0 end
call('SET', K.lock(), incarnation, 'PX', ttl_ms)
return 1
