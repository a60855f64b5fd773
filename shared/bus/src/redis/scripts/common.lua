-- Stands before each of the scripts.

local function milliseconds()
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

-- Numbers up to 2^53 as they are, not as 1e+15.
local function whole(number)
  return string.format('%.0f', number)
end

-- A process lives while its lease names its incarnation: ImProc:<process> = "incarnation address".
local leases = {}
local function lives(process, incarnation)
  process, incarnation = tostring(process), tostring(incarnation)
  if leases[process] == nil then
    leases[process] = redis.call('GET', 'ImProc:' .. process) or ''
  end
  return string.sub(leases[process], 1, #incarnation + 1) == incarnation .. ' '
end

-- ImOnline:<user> is a hash, socket -> entry. Returns the entries whose process lives, and drops the others.
local function connections(key)
  local live, count = {}, 0
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local read, entry = pcall(cjson.decode, all[i + 1])
    if read and type(entry) == 'table' and lives(entry.process, entry.incarnation) then
      live[all[i]] = entry
      count = count + 1
    else
      redis.call('HDEL', key, all[i])
    end
  end
  return live, count
end

-- ImRoomIn:<room> is a hash, socket -> "order process incarnation user". Returns who is in, in the order they came, and
-- who was in but belongs to a process that is gone; those are out then.
local function occupants(key)
  local inside, gone = {}, {}
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local order, process, incarnation, user = string.match(all[i + 1], '^(%d+) (%S+) (%S+) (%S+)$')
    local who = { socket = all[i], order = tonumber(order), process = process, user = user }
    if order and lives(process, incarnation) then
      inside[#inside + 1] = who
    else
      redis.call('HDEL', key, all[i])
      gone[#gone + 1] = who
    end
  end
  table.sort(inside, function(a, b)
    if a.order ~= b.order then return a.order < b.order end
    return a.socket < b.socket
  end)
  return inside, gone
end

-- ImRoomRev:<room>, the number of the room's last change, is a time in microseconds, so that it rises even when the node
-- has forgotten it.
local function revised(key, floor)
  local now = redis.call('TIME')
  local last = math.max(tonumber(redis.call('GET', key) or 0), floor or 0)
  local revision = math.max(now[1] * 1000000 + now[2], last + 1)
  redis.call('SET', key, whole(revision), 'EX', 86400)
  return revision
end

local function revision(key)
  return tonumber(redis.call('GET', key) or 0)
end

-- ImRoom:<room> is a JSON list of user keys; back ends that count their users write numbers.
local function admits(list, user)
  local read, names = pcall(cjson.decode, list)
  if not read or type(names) ~= 'table' then
    return nil
  end
  if next(names) == nil then
    return true
  end
  for _, name in pairs(names) do
    if name == user or (type(name) == 'number' and whole(name) == user) then
      return true
    end
  end
  return false
end

local function sockets(list)
  local names = {}
  for i, who in ipairs(list) do
    names[i] = who.socket
  end
  return names
end

local function with_users(list)
  local names = {}
  for _, who in ipairs(list) do
    names[#names + 1] = who.socket
    names[#names + 1] = who.user or '0'
  end
  return names
end
