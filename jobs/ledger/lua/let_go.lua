-- Free a named lock, if it is the caller's.
local name, holder = unpack(ARGV)
if call('GET', K.named_lock(name)) == holder then call('DEL', K.named_lock(name)) end
return 1
