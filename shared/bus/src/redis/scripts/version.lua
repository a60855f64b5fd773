-- Reads a channel's version, which begins with the first reading if it has not begun.
-- KEYS: ImVer:<user> or ImGroupVer:<group>. ARGV: a name that is used once, seconds that it is kept untouched.
-- Answer: the version, its generation.
redis.call('HSETNX', KEYS[1], 'generation', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'v', 'generation')
return { tonumber(state[1] or 0), state[2] }
