-- Counts a connection of a user.
-- KEYS: ImOnline:<user>, ImStatus:<user>, ImVer:<user>. ARGV: socket, entry as JSON without its end, seconds that it is kept untouched;
-- and perhaps a channel, and what it is told of a first connection.
-- Answer: connections, whether it is the first, generation, status, its revision, target, its revision, the store that
-- is noted to know the user.
local live, count = connections(KEYS[1])
local first = count == 0
if first then
  redis.call('DEL', KEYS[2])
end
if live[ARGV[1]] == nil then
  count = count + 1
end
local generation = math.max(milliseconds(), tonumber(redis.call('HGET', KEYS[2], 'generation') or 0) + 1)
redis.call('HSET', KEYS[2], 'generation', whole(generation))
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ',"generation":' .. whole(generation) .. '}')
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
if first and ARGV[4] then
  redis.call('PUBLISH', ARGV[4], ARGV[5])
end
local state = redis.call('HMGET', KEYS[2], 'status', 'status_rev', 'target', 'target_rev')
return { count, first and 1 or 0, generation, state[1], tonumber(state[2] or 0), state[3], tonumber(state[4] or 0),
  redis.call('HGET', KEYS[3], 'known') }
