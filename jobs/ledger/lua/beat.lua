-- Renew an incarnation's lease. Returns 0 if one of its models isn't announced (Redis lost its data): announce again.
local incarnation, info, lease_s, speed, draining = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1'
local now, known = clock(), 1
renew(incarnation, now, lease_s)
call('HSET', K.workers(), incarnation, info)
for i = 6, #ARGV do
  local key = ARGV[i]
  known = math.min(known, call('HEXISTS', K.specs(), key))
  call('ZREMRANGEBYSCORE', K.serving(key), '-inf', seconds(now))
  if draining then
    call('ZREM', K.serving(key), incarnation)
  else
    call('ZADD', K.serving(key), seconds(now + lease_s), incarnation)
    call('HSET', K.totals(key), 'served_at', seconds(now))
  end
  call('HSET', K.speeds(key), incarnation, speed)
end
return known
