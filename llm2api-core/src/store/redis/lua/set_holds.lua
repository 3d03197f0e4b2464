-- whether it ends, time in ms, then branches and tokens: holds on, or rests, for that time
local ends, time = ARGV[1] == '1', tonumber(ARGV[2])
for at = 3, #ARGV, 2 do
  local id = held_by(ARGV[at], ARGV[at + 1])
  if id then
    local holder = ends and '' or ARGV[at + 1]
    redis.call('HSET', CONVERSATION .. id, 'holder', holder, 'until', now_ms() + time)
  end
end
