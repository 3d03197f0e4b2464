-- server, lease in ms, how long after its lease a server counts as gone -> ids and entries taken
local server, lease, grace = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now, taken = now_ms(), {}
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', OUTBOXES, '-inf', now - grace)) do
  if gone ~= server then
    local entries = redis.call('HGETALL', OUTBOX .. gone)
    for at = 1, #entries, 2 do
      redis.call('HSET', OUTBOX .. server, entries[at], entries[at + 1])
      taken[#taken + 1], taken[#taken + 2] = entries[at], entries[at + 1]
    end
    redis.call('DEL', OUTBOX .. gone)
    redis.call('ZREM', OUTBOXES, gone)
  end
end
if #taken > 0 then
  redis.call('ZADD', OUTBOXES, now + lease, server)
end
return taken
