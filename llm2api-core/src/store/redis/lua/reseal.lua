-- id, old key, old bytes, new key, new bytes -> whether the row still held the old
local id, old_key, old, key, sealed = unpack(ARGV)
local row = redis.call('HMGET', ROW .. id, 'key', 'sealed')
if row[1] ~= old_key or row[2] ~= old then
  return 0
end
redis.call('HSET', ROW .. id, 'key', key, 'sealed', sealed)
note_change(id)
return 1
