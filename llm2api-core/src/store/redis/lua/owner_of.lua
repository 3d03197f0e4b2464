-- thread -> the owner of its conversation, or nothing
local id = redis.call('GET', THREAD .. ARGV[1])
return id and redis.call('HGET', CONVERSATION .. id, 'owner')
