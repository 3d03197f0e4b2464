-- name of the batch, for how long it is remembered in s, how long a day is kept in s, then subject,
-- day, tokens more or less, and how much sooner the minute is whole in us, of each correction
if not redis.call('SET', BATCH .. ARGV[1], '', 'NX', 'EX', ARGV[2]) then
  return -- it has been made already
end
local now = now_us()
for at = 4, #ARGV, 4 do
  local subject, sooner = ARGV[at], tonumber(ARGV[at + 3])
  add_tokens(tonumber(ARGV[at + 1]), subject, tonumber(ARGV[at + 2]), ARGV[3])
  if sooner > 0 then
    owe(subject, now, owed(subject, now) - sooner)
  end
end
