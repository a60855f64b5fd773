-- Takes or renews the lease of a process, and tells which processes live.
-- KEYS: ImProc:<process>, ImProcs. ARGV: process, incarnation, address, milliseconds, incarnation that may be replaced.
-- Answer: 1, whether it was not held by this incarnation, {process, lease, ...}; or 0, incarnation, address of who has it.
local held = redis.call('GET', KEYS[1])
local holder, address
if held then
  holder, address = string.match(held, '^(%S*) (.*)$')
  if holder ~= ARGV[2] and (holder or '') ~= ARGV[5] then
    return { 0, holder or held, address or '' }
  end
end
redis.call('SET', KEYS[1], ARGV[2] .. ' ' .. ARGV[3], 'PX', ARGV[4])
redis.call('SADD', KEYS[2], ARGV[1])
local living = {}
for _, process in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local lease = redis.call('GET', 'ImProc:' .. process)
  if lease then
    living[#living + 1] = process
    living[#living + 1] = lease
  else
    redis.call('SREM', KEYS[2], process)
  end
end
return { 1, holder == ARGV[2] and 0 or 1, living }
