-- name -> its value, or nothing
return redis.call('HGET', VALUES, ARGV[1])
