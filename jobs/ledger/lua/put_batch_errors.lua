-- Problems of items, as the store has kept them: index, problem, …
local id = ARGV[1]
for i = 2, #ARGV, 2 do call('HSET', K.batch_errors(id), ARGV[i], ARGV[i + 1]) end
return 1
