-- server, id, owner, the upstream's id, clean-up, key, message, thread or '', most branches
-- [, branch, id or '' and token of the hold] -> whether it is kept
local server, id, owner, conversation, entry, key, message, thread, most = unpack(ARGV)
local kept = CONVERSATION .. id
if ARGV[10] then
  if held_by(ARGV[10], ARGV[11], ARGV[12]) ~= id then
    return 0
  end
  if redis.call('SCARD', CONVERSATION_BRANCHES .. id) >= tonumber(most) then
    return 0
  end
else
  redis.call('HSET', kept, 'owner', owner, 'conversation', conversation)
  redis.call('HDEL', OUTBOX .. server, id)
end
redis.call('HSET', kept, 'entry', entry, 'holder', '', 'until', 0)
note_use(id, owner)
redis.call('HSET', BRANCH .. key, 'id', id, 'message', message, 'thread', thread)
redis.call('SADD', CONVERSATION_BRANCHES .. id, key)
if thread ~= '' then
  redis.call('SET', THREAD .. thread, id)
end
return 1
