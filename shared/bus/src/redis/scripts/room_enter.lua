-- Lets a socket in.
-- KEYS: ImRoom:<room>, ImRoomIn:<room>, ImRoomRev:<room>. ARGV: socket, process, incarnation, user, seconds that it is
-- kept untouched.
-- Answer: 1 in, 2 no such room, 3 not admitted; revision, {sockets}, {gone socket, user, ...}, order of the socket.
local inside, gone = occupants(KEYS[2])
local now = #gone > 0 and revised(KEYS[3]) or revision(KEYS[3])
local list = redis.call('GET', KEYS[1])
if not list then
  return { 2, now, sockets(inside), with_users(gone) }
end
local admitted = admits(list, ARGV[4])
if admitted == nil then
  return redis.error_reply('ERR ' .. KEYS[1] .. ' is not a JSON list of user keys')
end
if not admitted then
  return { 3, now, sockets(inside), with_users(gone) }
end
local order
for _, who in ipairs(inside) do
  if who.socket == ARGV[1] then
    order = who.order
  end
end
if not order then
  order = revised(KEYS[3])
  now = order
  redis.call('HSET', KEYS[2], ARGV[1], table.concat({ whole(order), ARGV[2], ARGV[3], ARGV[4] }, ' '))
  inside[#inside + 1] = { socket = ARGV[1] }
end
redis.call('EXPIRE', KEYS[2], ARGV[5])
return { 1, now, sockets(inside), with_users(gone), order }
