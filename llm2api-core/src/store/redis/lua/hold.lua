-- branch, token, lease in ms -> nothing where it is not known, the id here where it is busy, else
-- also the upstream's id and the message
local branch, token, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
local found = redis.call('HMGET', BRANCH .. branch, 'id', 'message')
local id = found[1]
if not id or redis.call('EXISTS', CONVERSATION .. id) == 0 then
  return {}
end
local kept = redis.call('HMGET', CONVERSATION .. id, 'conversation', 'owner', 'until')
local now = now_ms()
if tonumber(kept[3]) > now then
  return { id }
end
redis.call('HSET', CONVERSATION .. id, 'holder', token, 'until', now + lease)
note_use(id, kept[2])
return { id, kept[1], found[2] }
