-- id, upstream, fingerprint, key, sealed, profile, health[, account] -> '' or the owner's id
local id, upstream, fingerprint, key, sealed, profile, health, account = unpack(ARGV)
if redis.call('EXISTS', ROW .. id) == 1 then
  return id
end
local names = unique(upstream, fingerprint, account)
local owner = other_owner(id, names)
if owner then
  return owner
end
put(id, names, upstream, fingerprint, account, key, sealed, profile)
redis.call('HSET', ROW .. id, 'health', health)
return ''
