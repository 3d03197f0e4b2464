-- collection[, the version that is known] -> nothing where it is still that, else the version, and
-- id and text of all
local version = redis.call('GET', RECORDS_VERSION .. ARGV[1]) or '0'
if version == ARGV[2] then
  return false
end
return { version, redis.call('HGETALL', RECORDS .. ARGV[1]) }
