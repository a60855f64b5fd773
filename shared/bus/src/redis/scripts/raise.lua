-- Raises a channel's version and publishes a message with it.
-- KEYS: ImVer:<user> or ImGroupVer:<group>. ARGV: channel, message without its opening brace, a name that is used once,
-- seconds that it is kept untouched.
-- Answer: the version.
local number = redis.call('HINCRBY', KEYS[1], 'v', 1)
if number == 1 then
  redis.call('HSETNX', KEYS[1], 'generation', ARGV[3])
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('PUBLISH', ARGV[1], '{"v":' .. string.format('%.0f', number) .. ',' .. ARGV[2])
return number
