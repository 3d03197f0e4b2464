-- server, lease in ms, then id and holder of each place that it holds -> the servers that live
local server, lease = ARGV[1], tonumber(ARGV[2])
local now = now_ms()
for at = 3, #ARGV, 2 do
  local id = ARGV[at]
  redis.call('ZADD', PLACES .. id, now + lease, ARGV[at + 1])
  redis.call('PEXPIRE', PLACES .. id, lease)
end
redis.call('ZREMRANGEBYSCORE', SERVERS, '-inf', now)
redis.call('ZADD', SERVERS, now + lease, server)
return redis.call('ZRANGE', SERVERS, 0, -1)
