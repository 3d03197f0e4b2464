-- id, upstream, fingerprint, key, sealed, profile, health, whether it was here before[, account]
-- -> '' or the owner's id; nothing for one that was here before and was removed since
local id, upstream, fingerprint, key, sealed, profile, health, before, account = unpack(ARGV)
if redis.call('EXISTS', ROW .. id) == 1 then
  return id
end
if before == '1' and redis.call('ZSCORE', REMOVED, id) then
  return false
end
local names = unique(upstream, fingerprint, account)
local owner = other_owner(id, names)
if owner then
  return owner
end
put(id, names, upstream, fingerprint, account, key, sealed)
redis.call('HSET', ROW .. id, 'profile', profile, 'health', health)
return ''
