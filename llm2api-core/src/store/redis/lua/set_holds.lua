-- whether it ends, time in ms, then a branch, an id or '' and a token each: holds on, or
-- rests, for that time
local ends, time = ARGV[1] == '1', tonumber(ARGV[2])
for at = 3, #ARGV, 3 do
  local id = held_by(ARGV[at], ARGV[at + 1], ARGV[at + 2])
  if id then
    local holder = ends and '' or ARGV[at + 2]
    redis.call('HSET', CONVERSATION .. id, 'holder', holder, 'until', now_ms() + time)
  end
end
