-- collection, id, text, entry of the log, most entries[, the text that it must have]
-- -> whether it is kept, and the text that it has where it is not
local collection, id, text, entry, most, expected = unpack(ARGV)
local now = redis.call('HGET', RECORDS .. collection, id)
if now ~= (expected or false) then
  return { 0, now }
end
redis.call('HSET', RECORDS .. collection, id, text)
-- The date, so that a history that goes on after a loss gives no number again; where the clock is
-- behind, the number after the last one.
local version = RECORDS_VERSION .. collection
local last = tonumber(redis.call('GET', version) or 0)
redis.call('SET', version, whole(math.max(now_us(), last + 1)))
note_act(entry, most)
return { 1, false }
