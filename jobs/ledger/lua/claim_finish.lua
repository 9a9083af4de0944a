-- The complete job that waits longest, as JSON; '' if there is none. newer: there is one, of a newer format than the caller knows.
local incarnation, claim, lease_s, known = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local before = answered(incarnation, claim)
if before then return before end
local job, newer = pop_ready('finish', known)
if not job then return newer and cjson.encode({newer = newer}) or '' end
local now = clock()
renew(incarnation, now, lease_s)
local fence = lease_cpu('finish', job.id, incarnation)
begin(job, now)
local more = fields(K.job(job.id), 'request', 'total', 'channels')
return remember(incarnation, claim, cjson.encode({
  job = job.id, fence = fence, request = more.request, total = more.total,
  channels = more.channels or 1, copy_of = job.leader,
  spec = call('HGET', K.specs(), job.model_key),
}))
