-- A request goes on holding its idempotency key.
local owner, digest, token, hold_ms = unpack(ARGV)
if call('GET', K.attempt_hold(owner, digest)) ~= token then return 0 end
call('PEXPIRE', K.attempt_hold(owner, digest), hold_ms)
return 1
