-- server, ids
local server = ARGV[1]
for at = 2, #ARGV do
  redis.call('HDEL', OUTBOX .. server, ARGV[at])
end
if redis.call('EXISTS', OUTBOX .. server) == 0 then
  redis.call('ZREM', OUTBOXES, server)
end
