-- -> id, owner, the upstream's id and clean-up of all
local all = {}
for _, id in ipairs(redis.call('ZRANGE', CONVERSATIONS, 0, -1)) do
  local found = redis.call('HMGET', CONVERSATION .. id, 'owner', 'conversation', 'entry')
  all[#all + 1] = { id, found[1], found[2], found[3] }
end
return all
