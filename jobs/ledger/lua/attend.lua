-- A request goes on waiting for a job, for so long: its lease is renewed.
local id, request, lease_s = ARGV[1], ARGV[2], tonumber(ARGV[3])
attend(id, request, clock() + lease_s)
return 1
