-- series, then all spans
redis.call('ZREM', SERIES, ARGV[1])
redis.call('DEL', COUNTERS .. ARGV[1])
for at = 2, #ARGV do
  drop_chunks(ARGV[at], ARGV[1], '+inf')
end
