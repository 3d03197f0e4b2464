-- id, the profile that it must have, its new one -> '', the profile that it has, or nothing
local id, expected, profile = unpack(ARGV)
local now = redis.call('HGET', ROW .. id, 'profile')
if now ~= expected then
  return now
end
redis.call('HSET', ROW .. id, 'profile', profile)
note_change(id)
return ''
