-- collection, id, text, entry of the log, most entries[, the text that it must have]
-- -> whether it is kept, and the text that it has where it is not
local collection, id, text, entry, most, expected = unpack(ARGV)
local now = redis.call('HGET', RECORDS .. collection, id)
if now ~= (expected or false) then
  return { 0, now }
end
redis.call('HSET', RECORDS .. collection, id, text)
redis.call('SETNX', RECORDS_VERSION .. collection, whole(now_us()))
redis.call('INCR', RECORDS_VERSION .. collection)
note_act(entry, most)
return { 1, false }
