-- server, lease in ms, branch, id or '', token -> id and entry of what is moved to the server's outbox
local id = held_by(ARGV[3], ARGV[4], ARGV[5])
if not id then
  return {}
end
return { id, move_to_outbox(id, ARGV[1], tonumber(ARGV[2])) }
