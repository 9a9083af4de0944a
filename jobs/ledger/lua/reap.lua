-- Retire every incarnation whose lease lapsed. Returns {lapsed incarnations}, {units that failed their jobs}.
local now = clock()
local blame = {max_deaths = tonumber(ARGV[1]), prepare = ARGV[2], window = ARGV[3], finish = ARGV[4]}
local lapsed, failed = call('ZRANGEBYSCORE', K.alive(), '-inf', seconds(now)), {}
for _, incarnation in ipairs(lapsed) do
  for _, unit in ipairs(retire(incarnation, blame, now)) do failed[#failed + 1] = unit end
end
return {lapsed, failed}
