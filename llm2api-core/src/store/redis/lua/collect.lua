-- server, lease in ms, owner or '', unused for ms, how many to spare, how many at most (0: all),
-- whether those that are held count -> ids and entries of what is moved to the server's outbox
local server, lease, owner = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local unused, spare, most = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local held_too = ARGV[7] == '1'
local all = owner == '' and CONVERSATIONS or CONVERSATIONS_OF .. owner
local now, taken = now_ms(), {}
for _, id in ipairs(redis.call('ZRANGE', all, 0, -1 - spare)) do
  local found = redis.call('HMGET', CONVERSATION .. id, 'until', 'used')
  local old = found[2] and tonumber(found[2]) <= now - unused
  if old and (held_too or tonumber(found[1]) <= now) then
    taken[#taken + 1] = id
    taken[#taken + 1] = move_to_outbox(id, server, lease)
  end
  if most > 0 and #taken >= 2 * most then
    break
  end
end
return taken
