-- how many, at least 1 -> the last entries of the log, the newest first
return redis.call('LRANGE', AUDIT, 0, ARGV[1] - 1)
