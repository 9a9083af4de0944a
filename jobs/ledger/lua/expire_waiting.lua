-- Fail the jobs whose model nobody has served for that long. Returns their ids.
local timeout_s, problem, served = tonumber(ARGV[1]), cjson.decode(ARGV[2]), ARGV[3]
local now, expired = clock(), {}
local since = now - timeout_s

local function expire(job)
  problem.detail = 'No worker has served ' .. job.model .. ' for ' .. string.format('%.0f', timeout_s) ..
    ' s. Served now: ' .. served .. '.'
  fail(job, cjson.encode(problem), now)
  expired[#expired + 1] = job.id
end

for _, id in ipairs(call('ZRANGEBYSCORE', K.unpinned(), '-inf', seconds(since))) do expire(load_job(id)) end
for _, key in ipairs(call('HKEYS', K.specs())) do
  if live_workers(key, now) == 0 and number(call('HGET', K.totals(key), 'served_at')) <= since then
    for _, id in ipairs(call('ZRANGE', K.queue(key), 0, -1)) do
      local job = load_job(id)
      -- a complete job needs no model any more
      if not job.finish and number(call('HGET', K.job(id), 'entered_at')) <= since then expire(job) end
    end
  end
end
return expired
