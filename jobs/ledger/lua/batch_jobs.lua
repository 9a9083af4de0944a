-- Jobs of a batch's items from one index to another: {queued, running, succeeded, failed, cancelled, seconds of audio,
-- seconds transcribed}. A few hundred at a time, so that nobody waits behind it.
local id, from, to = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local counts = {queued = 0, running = 0, succeeded = 0, failed = 0, cancelled = 0}
local length_s, covered_s = 0, 0
for index = from, to - 1 do
  local state, total, rate, channels, done, duration = unpack(call('HMGET', K.job(id .. string.format('%06d', index)),
    'state', 'total', 'rate', 'channels', 'done_samples', 'duration_s'))
  if state then
    counts[state] = counts[state] + 1
    local per_s = (tonumber(rate) or 1) * (tonumber(channels) or 1)
    length_s = length_s + (tonumber(duration) or number(total) / per_s)
    covered_s = covered_s + (tonumber(duration) or number(done) / per_s)
  end
end
return {counts.queued, counts.running, counts.succeeded, counts.failed, counts.cancelled, seconds(length_s),
  seconds(covered_s)}
