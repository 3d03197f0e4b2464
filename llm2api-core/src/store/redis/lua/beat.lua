-- server, lease in ms, how many places it holds, id and holder of each, then of those that it does
-- not hold, whatever was asked before -> the servers that live
local server, lease, held = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
for at = 4, #ARGV, 2 do
  local id, holder = ARGV[at], ARGV[at + 1]
  if at < 4 + 2 * held then
    redis.call('ZADD', PLACES .. id, now + lease, holder)
    redis.call('PEXPIRE', PLACES .. id, lease)
  else
    redis.call('ZREM', PLACES .. id, holder)
  end
end
redis.call('ZREMRANGEBYSCORE', SERVERS, '-inf', now)
redis.call('ZADD', SERVERS, now + lease, server)
return redis.call('ZRANGE', SERVERS, 0, -1)
