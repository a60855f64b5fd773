-- Creates a room or changes who may enter.
-- KEYS: ImRoom:<room>, ImRoomIn:<room>, ImRoomRev:<room>. ARGV: JSON list of user keys.
-- Answer: 1, revision, {sockets}, {gone socket, user, ...}, {expelled socket, user, ...}.
redis.call('SET', KEYS[1], ARGV[1])
local inside, gone = occupants(KEYS[2])
local stay, go = {}, {}
for _, who in ipairs(inside) do
  if admits(ARGV[1], who.user) then
    stay[#stay + 1] = who
  else
    redis.call('HDEL', KEYS[2], who.socket)
    go[#go + 1] = who
  end
end
local now = (#go > 0 or #gone > 0) and revised(KEYS[3]) or revision(KEYS[3])
return { 1, now, sockets(stay), with_users(gone), with_users(go) }
