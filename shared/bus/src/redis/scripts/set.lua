-- Sets the status or the target of a user who has a connection.
-- KEYS: ImOnline:<user>, ImStatus:<user>. ARGV: field, value, seconds that it is kept untouched.
-- Answer: whether there is a connection, the revision, what was set before.
local _, count = connections(KEYS[1])
if count == 0 then
  return { 0 }
end
local before = redis.call('HGET', KEYS[2], ARGV[1])
local last = tonumber(redis.call('HGET', KEYS[2], ARGV[1] .. '_rev') or 0)
local rev = math.max(milliseconds(), last + 1)
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2], ARGV[1] .. '_rev', whole(rev))
redis.call('EXPIRE', KEYS[2], ARGV[3])
return { 1, rev, before }
