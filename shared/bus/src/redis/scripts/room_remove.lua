-- Ends a room.
-- KEYS: ImRoom:<room>, ImRoomIn:<room>, ImRoomRev:<room>.
-- Answer: whether there was anything to end, revision, {}, {gone socket, user, ...}, {expelled socket, user, ...}.
local inside, gone = occupants(KEYS[2])
local existed = redis.call('DEL', KEYS[1], KEYS[2]) > 0
local now = (existed or #gone > 0) and revised(KEYS[3]) or revision(KEYS[3])
return { existed and 1 or 0, now, {}, with_users(gone), with_users(inside) }
