-- server, lease in ms, how many places it holds, id and holder of each, then of those that it does
-- not hold, whatever was asked before: id, holder, whether a call began -> the servers that live
local server, lease, held = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now, doubtful = now_ms(), 4 + 2 * held
for at = 4, doubtful - 1, 2 do
  local id = ARGV[at]
  redis.call('ZADD', PLACES .. id, now + lease, ARGV[at + 1])
  redis.call('PEXPIRE', PLACES .. id, lease)
end
take_back(doubtful)
redis.call('ZREMRANGEBYSCORE', SERVERS, '-inf', now)
redis.call('ZADD', SERVERS, now + lease, server)
if redis.call('ZSCORE', OUTBOXES, server) then
  redis.call('ZADD', OUTBOXES, now + lease, server)
end
return redis.call('ZRANGE', SERVERS, 0, -1)
