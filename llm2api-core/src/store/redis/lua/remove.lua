-- id, how many of those that are gone are remembered -> whether it was there
local id, remembered = unpack(ARGV)
local was_there = redis.call('EXISTS', ROW .. id)
if was_there == 1 then
  for _, name in ipairs(unique_of(id)) do
    redis.call('HDEL', OWNERS, name)
  end
  redis.call('DEL', ROW .. id, PLACES .. id, MINUTE .. id)
end
-- One that is not there may be known elsewhere all the same, after a loss.
note_removal(id, remembered)
return was_there
