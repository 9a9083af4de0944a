-- Add to a counter, once for each call's name.
local call_id, name, by, keep_s = unpack(ARGV)
if call('SET', K.counted(call_id), 1, 'NX', 'EX', keep_s) then count(name, tonumber(by)) end
return 1
