-- server, lease in ms, id, entry
local server, lease, id, entry = unpack(ARGV)
redis.call('HSET', OUTBOX .. server, id, entry)
redis.call('ZADD', OUTBOXES, now_ms() + lease, server)
