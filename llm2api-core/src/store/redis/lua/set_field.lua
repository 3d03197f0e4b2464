-- field, then id and text of each row -> how many of them are there
local field, found = ARGV[1], 0
for at = 2, #ARGV, 2 do
  local id = ARGV[at]
  if redis.call('EXISTS', ROW .. id) == 1 then
    redis.call('HSET', ROW .. id, field, ARGV[at + 1])
    note_change(id)
    found = found + 1
  end
end
return found
