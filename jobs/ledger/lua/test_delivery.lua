-- A delivery about no job, to try a receiver. Repeatable.
local id, owner, url = unpack(ARGV)
if call('EXISTS', K.delivery(id)) == 0 then enter_delivery(id, owner, '', url, 'webhook.test', '', clock()) end
return 1
