-- A request under an idempotency key has ended; with a status its answer is kept, else the next one begins anew.
local owner, digest, token, status, headers, body, keep_s = unpack(ARGV)
if call('GET', K.attempt_hold(owner, digest)) ~= token then return 1 end
if status ~= '' then
  call('HSET', K.attempt(owner, digest), 'status', status, 'headers', headers, 'body', body)
  call('EXPIRE', K.attempt(owner, digest), keep_s)
end
call('DEL', K.attempt_hold(owner, digest))
return 1
