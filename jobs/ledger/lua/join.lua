-- A request wants the transcript of some audio: owner, digest of audio and options, id of the job that it would make,
-- its own name, length of its lease; how long, after the last such request, the next one joins; how long a job may take
-- from here into the ledger. Returns the job to wait for, and 1 if that is in the ledger already.
local owner, digest, id, request = unpack(ARGV, 1, 4)
local lease_s, keep_s, entering_s = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local key, now = K.transcription(owner, digest), clock()
local found, since = string.match(call('GET', key) or '', '^(.+):([%d.]+)$')
local state = found and call('HGET', K.job(found), 'state')
local enters = found and not state and now - tonumber(since) < entering_s
if found ~= id and not enters and (not state or state == 'failed' or state == 'cancelled') then
  found, state = id, false
  call('SET', key, id .. ':' .. seconds(now))
end
call('EXPIRE', key, keep_s)
attend(found, request, now + lease_s)
return {found, state and 1 or 0}
