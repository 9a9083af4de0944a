-- A window's object is gone: it isn't claimable before a prepare that begins after this has ended.
local incarnation, id, index, fence, max_rounds, problem = unpack(ARGV)
local job = load_job(id)
if not own_lease(job, index, fence, incarnation) then return 1 end
local now = clock()
release_window(id, index, incarnation)
call('SADD', K.missing(id), index)
call('HINCRBY', K.job(id), 'repair', 1)
if job.prepare == 'done' then
  repair(job, tonumber(max_rounds), problem, now)
elseif job.prepare == 'parked' then
  offer_prepare(id, now)
end
return 1
