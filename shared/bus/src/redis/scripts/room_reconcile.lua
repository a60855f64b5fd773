-- Makes who is in a room through one process what that process says, except whom somebody has put out.
-- KEYS: ImRoom:<room>, ImRoomIn:<room>, ImRoomRev:<room>. ARGV: process, incarnation, seconds that it is kept untouched,
-- whether the node may have forgotten, and for each socket socket, order, user.
-- A socket of order 0 is entering just now: it is left as it is.
-- Answer: 1, revision, {sockets}, {gone socket, user, ...}, {put out socket, user, ...}.
local inside, gone = occupants(KEYS[2])
local mine, there = {}, {}
for i = 5, #ARGV, 3 do
  mine[ARGV[i]] = true
end
local changed, last = #gone > 0, 0
for _, who in ipairs(inside) do
  if who.process == ARGV[1] and not mine[who.socket] then
    redis.call('HDEL', KEYS[2], who.socket)
    changed = true
  end
  there[who.socket] = true
end
local list = redis.call('GET', KEYS[1])
local out = {}
for i = 5, #ARGV, 3 do
  local socket, order, user = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if not there[socket] and order ~= '0' then
    -- A room that is not there at all was forgotten with the rest: the back end puts it again.
    if ARGV[4] == '1' and (not list or admits(list, user) ~= false) then
      redis.call('HSET', KEYS[2], socket, table.concat({ order, ARGV[1], ARGV[2], user }, ' '))
      changed = true
      last = math.max(last, tonumber(order))
    else
      out[#out + 1] = { socket = socket, user = user }
    end
  end
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
local now = changed and revised(KEYS[3], last) or revision(KEYS[3])
return { 1, now, sockets((occupants(KEYS[2]))), with_users(gone), with_users(out) }
