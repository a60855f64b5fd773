-- Gives the lease of a process up, if it still has it; nothing that it registered counts any more.
-- KEYS: ImProc:<process>, ImProcs. ARGV: process, incarnation.
if lives(ARGV[1], ARGV[2]) then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[2], ARGV[1])
end
return 1
