-- series
redis.call('ZREM', SERIES, ARGV[1])
redis.call('DEL', COUNTERS .. ARGV[1])
