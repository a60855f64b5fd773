-- The status of each user, empty without a connection.
-- KEYS: ImOnline:<user>, ImStatus:<user>, and so on for each.
local seen = {}
for i = 1, #KEYS, 2 do
  local _, count = connections(KEYS[i])
  seen[#seen + 1] = count > 0 and (redis.call('HGET', KEYS[i + 1], 'status') or 'online') or ''
end
return seen
