-- A named lock is the caller's for as long as asked, if it is free or the caller's already.
local name, holder, ttl_ms = unpack(ARGV)
return take_lock(K.named_lock(name), holder, ttl_ms)
