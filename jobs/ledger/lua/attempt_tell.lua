-- Write down what a request under an idempotency key asks for, and the id of what it will create, before it does.
local owner, digest, token, fingerprint, creates, keep_s = unpack(ARGV)
if call('GET', K.attempt_hold(owner, digest)) ~= token then return 0 end
call('HSET', K.attempt(owner, digest), 'fingerprint', fingerprint, 'creates', creates)
call('EXPIRE', K.attempt(owner, digest), keep_s)
return 1
