-- A named lock is the caller's for as long as asked, if it is free or the caller's already.
local name, holder, ttl_ms = unpack(ARGV)
local found = call('GET', K.named_lock(name))
if found and found ~= holder then return 0 end
call('SET', K.named_lock(name), holder, 'PX', ttl_ms)
return 1
