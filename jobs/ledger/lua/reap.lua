-- Return what the dead held. Returns {lapsed incarnations}, {units that failed their jobs}, whether Redis began anew.
local lease_s, now = tonumber(ARGV[5]), clock()
local blame = {max_deaths = tonumber(ARGV[1]), prepare = ARGV[2], window = ARGV[3], finish = ARGV[4]}
local rounds = fields(K.rounds(), 'run', 'last', 'from', 'waited')
local run = string.match(call('INFO', 'server'), 'run_id:(%x+)')
local restarted = rounds.run and rounds.run ~= run
local from = number(rounds.from)

-- Nobody came round for a while: Redis was away (frozen, cut off, restarted), so nobody could renew a lease either.
-- The living get the time to show that they live; once, so that rounds which are always that far apart reap as well.
local waited = rounds.waited == '1'
if not waited and rounds.last and now - number(rounds.last) > lease_s / 2 then
  from, waited = now + lease_s / 2, true
end

-- A Redis that began anew may have lost its last second: a commit that its worker was told of, but not the lease before
-- it, which that worker would hold for ever. So everything comes back, nothing is held against it, and fences go on
-- well beyond any that was given out in the lost second.
if restarted then
  for _, incarnation in ipairs(call('ZRANGE', K.alive(), 0, -1)) do return_all(incarnation, {}, now) end
  call('INCRBY', K.ticket(), 1000000)
end

local lapsed, failed = {}, {}
if now >= from then
  lapsed, waited = call('ZRANGEBYSCORE', K.alive(), '-inf', seconds(now)), false
end
for _, incarnation in ipairs(lapsed) do
  for _, unit in ipairs(retire(incarnation, blame, now)) do failed[#failed + 1] = unit end
end
call('HSET', K.rounds(), 'run', run, 'last', seconds(now), 'from', seconds(from), 'waited', waited and 1 or 0)
return {lapsed, failed, restarted and 1 or 0}
