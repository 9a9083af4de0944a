-- Make windows claimable: job, fence, decoded_s, estimate of the length in seconds ('' if none), channels on the
-- timeline, deaths that fail the job, the problem then, and index, meta, silent (0, 1), each.
-- A silent window is left out on purpose: done at once, with an empty result.
-- Windows registered before must be the same. Returns how many of the job's windows wait unclaimed.
local id, fence, decoded_s, estimate_s, channels, max_deaths, problem = unpack(ARGV, 1, 7)
local job = load_job(id)
if not holds(job, 'prepare', fence) then return refused('the prepare of ' .. id .. ' was claimed anew or ended') end
local known = fields(K.job(id), 'registered', 'registered_stop')
local registered, stop = number(known.registered), number(known.registered_stop)

local fresh, silent = {}, {}
for i = 8, #ARGV, 3 do
  local index, meta = tonumber(ARGV[i]), ARGV[i + 1]
  if index < registered then
    if call('HGET', K.windows(id), index) ~= meta then
      return refuse_prepare(job, 'window ' .. index .. ' was another one before', max_deaths, problem)
    end
  else
    local start, last, left, right = string.match(meta, '^(%d+):(%d+):(%d+):(%d+)$')
    local cut_start, cut_stop = number(start) + number(left), number(last) - number(right)
    if index ~= registered + #fresh or cut_start ~= stop or cut_stop <= cut_start then
      return refuse_prepare(job, 'window ' .. index .. ' does not start where the last one ends', max_deaths, problem)
    end
    fresh[#fresh + 1], stop = {index, meta, ARGV[i + 2]}, cut_stop
    if ARGV[i + 2] == '1' then silent[#silent + 1] = {index, cut_stop - cut_start} end
  end
end

call('HSET', K.job(id), 'decoded_s', decoded_s, 'channels', channels)
if estimate_s ~= '' then call('HSET', K.job(id), 'expected_s', estimate_s, 'measured', '1') end
if #fresh > 0 then
  call('HSET', K.job(id), 'registered', registered + #fresh, 'registered_stop', stop)
  -- the file has got further than where it killed its process
  call('HDEL', K.job(id), 'prepare_deaths')
  for _, window in ipairs(fresh) do
    call('HSET', K.windows(id), window[1], window[2])
    if window[3] ~= '1' then offer_window(job, window[1]) end
  end
  leave_out(id, silent)
end
set_remaining(id)
weigh(id)
return waiting_windows(id)
