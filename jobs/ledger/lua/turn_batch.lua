-- A batch's stage moves on, never back. Returns the stage that it has now, '' if there is no such batch.
local id, stage = unpack(ARGV)
local ORDER = {entering = 1, entered = 2, cancelling = 3, cancelled = 4, deleting = 5}
local batch = fields(K.batch(id), 'stage', 'owner', 'created_at')
if not batch.stage then return '' end
if ORDER[stage] <= ORDER[batch.stage] then return batch.stage end
call('HSET', K.batch(id), 'stage', stage)
if stage == 'entered' or stage == 'cancelled' then
  call('ZREM', K.open_batches(), id)
else
  call('ZADD', K.open_batches(), batch.created_at, id)
end
if stage == 'deleting' then call('ZREM', K.owner_batches(batch.owner), id) end
return stage
