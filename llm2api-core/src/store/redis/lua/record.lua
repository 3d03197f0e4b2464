-- collection, id -> its text, or nothing
return redis.call('HGET', RECORDS .. ARGV[1], ARGV[2])
