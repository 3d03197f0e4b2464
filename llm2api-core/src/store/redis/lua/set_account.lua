-- id, account -> '', the owner's id, or nothing
local id, account = unpack(ARGV)
local row = redis.call('HMGET', ROW .. id, 'upstream', 'fingerprint', 'account')
if not row[1] then
  return false
end
local names = unique(row[1], row[2], account)
local owner = other_owner(id, names)
if owner then
  return owner
end
if row[3] then
  redis.call('HDEL', OWNERS, unique(row[1], row[2], row[3])[2])
end
redis.call('HSET', OWNERS, names[2], id)
redis.call('HSET', ROW .. id, 'account', account)
note_change(id)
return ''
