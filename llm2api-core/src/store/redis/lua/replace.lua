-- id, upstream, fingerprint, key, sealed[, account] -> '', the owner's id, or nothing
local id, upstream, fingerprint, key, sealed, account = unpack(ARGV)
local names = unique(upstream, fingerprint, account)
local owner = other_owner(id, names)
if owner then
  return owner
end
if redis.call('EXISTS', ROW .. id) == 0 then
  return false
end
for _, name in ipairs(unique_of(id)) do
  redis.call('HDEL', OWNERS, name)
end
put(id, names, upstream, fingerprint, account, key, sealed)
return ''
