-- A model is served: pin the jobs that ask for it. Those still queued for another spec of it that nobody serves any
-- more (an older revision, say) move over; a job that has begun stays with the spec that it began with.
local key, spec_text, model = unpack(ARGV)
local spec, now = cjson.decode(spec_text), clock()
call('HSET', K.specs(), key, spec_text)
call('ZADD', K.announced(model), seconds(now), key)
for _, id in ipairs(call('ZRANGE', K.asked(model), 0, -1)) do
  pin(load_job(id), key, spec, now)
end
for _, other in ipairs(call('ZRANGE', K.announced(model), 0, -1)) do
  if other ~= key and live_workers(other, now) == 0 then
    for _, id in ipairs(call('ZRANGE', K.queue(other), 0, -1)) do
      local job = load_job(id)
      if job.state == 'queued' then pin(job, key, spec, now) end
    end
  end
end
return 1
