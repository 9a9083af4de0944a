-- Nothing is left of a deleted batch.
local id = ARGV[1]
call('ZREM', K.open_batches(), id)
call('DEL', K.batch(id), K.batch_errors(id))
return 1
