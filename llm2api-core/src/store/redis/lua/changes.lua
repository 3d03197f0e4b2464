-- since, whether everything is wanted -> version, whether all rows are named, ids, ids of the gone
local since, everything = tonumber(ARGV[1]), ARGV[2] == '1'
local version = redis.call('GET', VERSION)
version = version or next_version()
local begin = redis.call('GET', BEGIN)
local known = begin and since >= tonumber(begin) and since <= tonumber(version)
local after = '(' .. whole(since)
local gone = redis.call('ZRANGEBYSCORE', REMOVED, known and after or '-inf', '+inf')
if everything or not known then
  return { version, 1, redis.call('ZRANGE', CHANGED, 0, -1), gone }
end
return { version, 0, redis.call('ZRANGEBYSCORE', CHANGED, after, '+inf'), gone }
