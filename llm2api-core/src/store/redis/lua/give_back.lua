-- the server if it leaves, else '', then id and holder of each place
if ARGV[1] ~= '' then
  redis.call('ZREM', SERVERS, ARGV[1])
end
for at = 2, #ARGV, 2 do
  redis.call('ZREM', PLACES .. ARGV[at], ARGV[at + 1])
end
