-- Prepares that have rested long enough (yield_prepare) are claimable again. Returns how many are.
local now, woken = clock(), 0
for _, id in ipairs(call('ZRANGEBYSCORE', K.resting(), '-inf', seconds(now))) do
  call('ZREM', K.resting(), id)
  local job = load_job(id)
  if job.active and job.prepare == 'parked' then
    offer_prepare(id, now)
    woken = woken + 1
  end
end
return woken
