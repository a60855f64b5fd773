-- Takes a socket out.
-- KEYS: ImRoom:<room>, ImRoomIn:<room>, ImRoomRev:<room>. ARGV: socket.
-- Answer: whether it was in, revision, {sockets}, {gone socket, user, ...}.
local inside, gone = occupants(KEYS[2])
local stay = {}
for _, who in ipairs(inside) do
  if who.socket ~= ARGV[1] then
    stay[#stay + 1] = who
  end
end
local left = #stay < #inside
if left then
  redis.call('HDEL', KEYS[2], ARGV[1])
end
local now = (left or #gone > 0) and revised(KEYS[3]) or revision(KEYS[3])
return { left and 1 or 0, now, sockets(stay), with_users(gone) }
