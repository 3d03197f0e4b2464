-- the server if it leaves, else '', then id, holder, and whether a call began, of each place
if ARGV[1] ~= '' then
  redis.call('ZREM', SERVERS, ARGV[1])
end
take_back(2)
