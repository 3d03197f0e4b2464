-- id and health of each row; passes over those that are gone
for at = 1, #ARGV, 2 do
  local id = ARGV[at]
  if redis.call('EXISTS', ROW .. id) == 1 then
    redis.call('HSET', ROW .. id, 'health', ARGV[at + 1])
    note_change(id)
  end
end
