-- -> id and entry of all, whoever has them
local all = {}
for _, server in ipairs(redis.call('ZRANGE', OUTBOXES, 0, -1)) do
  for _, part in ipairs(redis.call('HGETALL', OUTBOX .. server)) do
    all[#all + 1] = part
  end
end
return all
