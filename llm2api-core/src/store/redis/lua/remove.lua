-- id, how many of those that are gone are remembered -> whether it was there
local id, remembered = unpack(ARGV)
if redis.call('EXISTS', ROW .. id) == 0 then
  return 0
end
for _, name in ipairs(unique_of(id)) do
  redis.call('HDEL', OWNERS, name)
end
redis.call('DEL', ROW .. id, PLACES .. id, MINUTE .. id)
redis.call('ZREM', CHANGED, id)
redis.call('ZADD', REMOVED, next_version(), id)
redis.call('ZREMRANGEBYRANK', REMOVED, 0, -1 - remembered)
return 1
