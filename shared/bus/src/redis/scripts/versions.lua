-- Reads the numbers that channels have come to, 0 for one that has no version.
-- KEYS: ImVer:<user> or ImGroupVer:<group>, and so on for each.
local numbers = {}
for i, key in ipairs(KEYS) do
  numbers[i] = tonumber(redis.call('HGET', key, 'v') or 0)
end
return numbers
