-- Enter a batch; 0 if it is known.
local id, head, owner, created_at, items, refused, stage, next_index = unpack(ARGV)
if call('EXISTS', K.batch(id)) == 1 then return 0 end
call('HSET', K.batch(id), 'head', head, 'owner', owner, 'created_at', created_at, 'items', items,
  'refused_left', refused, 'stage', stage, 'next', next_index)
if stage ~= 'deleting' then call('ZADD', K.owner_batches(owner), created_at, id) end
if stage ~= 'entered' then call('ZADD', K.open_batches(), created_at, id) end
return 1
