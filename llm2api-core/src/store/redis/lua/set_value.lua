-- name, value[, the value that it must have] -> whether it was set
local name, value, expected = unpack(ARGV)
if redis.call('HGET', VALUES, name) ~= (expected or false) then
  return 0
end
redis.call('HSET', VALUES, name, value)
return 1
