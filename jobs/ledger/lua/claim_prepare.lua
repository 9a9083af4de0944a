-- The next job to prepare, as JSON; '' if there is none. newer: there is one, of a newer format than the caller knows.
local incarnation, claim, lease_s, known = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local before = answered(incarnation, claim)
if before then return before end
local job, newer = pop_ready('prepare', known)
if not job then return newer and cjson.encode({newer = newer}) or '' end
local now = clock()
renew(incarnation, now, lease_s)
local fence = lease_cpu('prepare', job.id, incarnation)
begin(job, now)
local slices = call('HINCRBY', K.job(job.id), 'prepare_slices', 1)
local more = fields(K.job(job.id), 'request', 'registered', 'registered_stop', 'repair')
-- what is missing by now will be mended when this claim reaches `prepared`; what is reported later, by a later one
call('HSET', K.job(job.id), 'prepare_repair', more.repair or 0)
return remember(incarnation, claim, cjson.encode({
  job = job.id, fence = fence, request = more.request, spec = call('HGET', K.specs(), job.model_key),
  registered = more.registered, registered_stop = more.registered_stop, slices = slices - 1,
  ['repair'] = number(more.repair) > 0,
}))
