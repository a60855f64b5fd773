-- Makes a user's connections on one process what that process says they are.
-- KEYS: ImOnline:<user>, ImStatus:<user>. ARGV: process, seconds that it is kept untouched, status, its revision, target,
-- its revision, and for each connection socket, entry as JSON without its end, generation.
-- A connection of generation 0 is being registered just now: it is left as it is. One of generation 1 has none yet.
-- Answer: whether nobody knew of the user, status, its revision, target, its revision.
local live, count = connections(KEYS[1])
local mine = {}
for i = 7, #ARGV, 3 do
  mine[ARGV[i]] = true
end
for socket, entry in pairs(live) do
  if entry.process == ARGV[1] and not mine[socket] then
    redis.call('HDEL', KEYS[1], socket)
    count = count - 1
  end
end
local unknown = count == 0
local added = 0
for i = 7, #ARGV, 3 do
  if live[ARGV[i]] == nil and ARGV[i + 2] ~= '0' then
    local generation = ARGV[i + 2]
    if generation == '1' then
      generation = whole(milliseconds())
    end
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1] .. ',"generation":' .. generation .. '}')
    added = added + 1
  end
end
unknown = unknown and added > 0
count = count + added
if count == 0 then
  redis.call('DEL', KEYS[1], KEYS[2])
  return { 0 }
end
for i, field in ipairs({ 'status', 'target' }) do
  local rev = tonumber(ARGV[2 * i + 2])
  if rev > tonumber(redis.call('HGET', KEYS[2], field .. '_rev') or 0) then
    redis.call('HSET', KEYS[2], field, ARGV[2 * i + 1], field .. '_rev', whole(rev))
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
local state = redis.call('HMGET', KEYS[2], 'status', 'status_rev', 'target', 'target_rev')
return { unknown and 1 or 0, state[1], tonumber(state[2] or 0), state[3], tonumber(state[4] or 0) }
