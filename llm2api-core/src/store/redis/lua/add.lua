-- name of the batch, for how long it is remembered in s, where points begin, then series, field and
-- value of each counter, then of each point span, series, chunk, the last chunk that is dropped, for
-- how long its chunk is kept in s, how many figures it has, and each one's field and value
if not redis.call('SET', BATCH .. ARGV[1], '', 'NX', 'EX', ARGV[2]) then
  return -- it has been added already
end
local at = 4
while at < tonumber(ARGV[3]) do
  redis.call('ZADD', SERIES, 0, ARGV[at])
  add_up(COUNTERS .. ARGV[at], ARGV[at + 1], ARGV[at + 2])
  at = at + 3
end
while at < #ARGV do
  local span, series, chunk = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local key, chunks = chunk_key(span, series, chunk), chunks_key(span, series)
  local after = at + 6 + 2 * ARGV[at + 5]
  for figure = at + 6, after - 1, 2 do
    add_up(key, ARGV[figure], ARGV[figure + 1])
  end
  redis.call('EXPIRE', key, ARGV[at + 4])
  if redis.call('ZADD', chunks, chunk, chunk) == 1 then
    drop_chunks(span, series, ARGV[at + 3])
  end
  redis.call('EXPIRE', chunks, ARGV[at + 4])
  at = after
end
