-- Requests that wait for a job's transcript on an open connection: each has a lease, and renews it.

local function attend(id, request, until_s)
  local key = K.attending(id)
  call('ZADD', key, seconds(until_s), request)
  local last = call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2]
  call('EXPIREAT', key, math.ceil(last) + 1)
end
