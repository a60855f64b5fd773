-- Takes or renews the lease of a process, and tells which processes live.
-- KEYS: ImProc:<process>, ImProcs. ARGV: process, incarnation, address, milliseconds, incarnation that may be replaced,
-- name of the store where it keeps messages, or empty.
-- Answer: 1, whether it was not held by this incarnation, {process, lease, ...}; or 0, incarnation, address of who has it;
-- or 2, a process that keeps messages in another store: then nothing was taken.
local held = redis.call('GET', KEYS[1])
local holder, address
if held then
  holder, address = string.match(held, '^(%S*) (%S*)')
  if holder ~= ARGV[2] and (holder or '') ~= ARGV[5] then
    return { 0, holder or held, address or '' }
  end
end
local anew = holder ~= ARGV[2]
local living = {}
for _, process in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local lease = redis.call('GET', 'ImProc:' .. process)
  if lease and process ~= ARGV[1] then
    local store = string.match(lease, '^%S* %S* (%S+)')
    if anew and store and ARGV[6] ~= '' and store ~= ARGV[6] then
      return { 2, process }
    end
    living[#living + 1] = process
    living[#living + 1] = lease
  elseif not lease then
    redis.call('SREM', KEYS[2], process)
  end
end
local lease = ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[6]
redis.call('SET', KEYS[1], lease, 'PX', ARGV[4])
redis.call('SADD', KEYS[2], ARGV[1])
living[#living + 1] = ARGV[1]
living[#living + 1] = lease
return { 1, anew and 1 or 0, living }
