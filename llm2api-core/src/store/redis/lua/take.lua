-- id, holder, places, calls a minute (0: no limit), lease in ms -> 1, or 0 and the wait in ms
local id, holder = ARGV[1], ARGV[2]
local places, per_minute, lease = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', PLACES .. id, '-inf', now)
redis.call('ZREM', PLACES .. id, holder) -- a beat may have told of it already
if redis.call('ZCARD', PLACES .. id) >= places then
  return { 0, 0 }
end
if per_minute > 0 then
  redis.call('ZREMRANGEBYSCORE', MINUTE .. id, '-inf', now - 60000)
  if redis.call('ZCARD', MINUTE .. id) >= per_minute then
    local first = redis.call('ZRANGE', MINUTE .. id, 0, 0, 'WITHSCORES')[2]
    return { 0, math.max(1, first + 60000 - now) }
  end
  redis.call('ZADD', MINUTE .. id, now, holder)
  redis.call('PEXPIRE', MINUTE .. id, 60000)
end
redis.call('ZADD', PLACES .. id, now + lease, holder)
redis.call('PEXPIRE', PLACES .. id, lease)
return { 1, 0 }
