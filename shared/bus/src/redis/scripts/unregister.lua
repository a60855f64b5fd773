-- Takes a connection out. Nothing of a user outlives the last one.
-- KEYS: ImOnline:<user>, ImStatus:<user>. ARGV: socket.
-- Answer: whether it was there and was the last.
local live, count = connections(KEYS[1])
local there = live[ARGV[1]] ~= nil
if there then
  redis.call('HDEL', KEYS[1], ARGV[1])
  count = count - 1
end
if count == 0 then
  redis.call('DEL', KEYS[1], KEYS[2])
end
return { there and count == 0 and 1 or 0 }
