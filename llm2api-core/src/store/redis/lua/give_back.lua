-- the server if it leaves, else '', then id, holder, and whether a call began, of each place
if ARGV[1] ~= '' then
  redis.call('ZREM', SERVERS, ARGV[1])
  if redis.call('ZSCORE', OUTBOXES, ARGV[1]) then
    redis.call('ZADD', OUTBOXES, 0, ARGV[1]) -- others need not wait
  end
end
take_back(2)
