-- name of the batch, for how long it is remembered in s, then series, field and value of each counter
if not redis.call('SET', BATCH .. ARGV[1], '', 'NX', 'EX', ARGV[2]) then
  return -- it has been added already
end
for at = 3, #ARGV, 3 do
  local series, field, value = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  redis.call('ZADD', SERIES, 0, series)
  local sum = redis.pcall('HINCRBY', COUNTERS .. series, field, value)
  if type(sum) == 'table' and sum.err then
    redis.call('HSET', COUNTERS .. series, field, '9223372036854775807') -- it is full
  end
end
