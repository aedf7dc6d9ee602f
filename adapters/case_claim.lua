-- Leases deadlines that are due, with those whose lease has run out: whoever dies with a lease, another worker fires after it.
-- A deadline that its case does not carry any more is let go. At most `limit` are looked at; the case's JSON is searched, not parsed.
--
-- KEYS[2] prefix of all keys · ARGV[2] now on the city's clock, ms · ARGV[3] now, real ms · ARGV[4] length of a lease, ms · ARGV[5] limit
-- Returns how many were looked at, then per leased one case id and the deadline's JSON.

local prefix, now, real, limit = KEYS[2], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local claimed, until_ms = prefix .. 'deadlines:claimed', string.format('%.0f', ARGV[3] + ARGV[4])

local function carried(id, deadline)
  local case = redis.call('GET', prefix .. 'case:' .. id)
  local at = case and string.find(case, '{"id":"' .. deadline .. '"', 1, true)
  return at and string.sub(case, at, string.find(case, '}', at, true))
end

local found = redis.call('ZRANGEBYSCORE', claimed, '-inf', real, 'LIMIT', 0, limit)
if #found < limit then
  local due = redis.call('ZRANGEBYSCORE', prefix .. 'deadlines', '-inf', now, 'LIMIT', 0, limit - #found)
  if #due > 0 then redis.call('ZREM', prefix .. 'deadlines', unpack(due)) end
  for _, member in ipairs(due) do table.insert(found, member) end
end
local out, lease, stale = {#found}, {}, {}
for _, member in ipairs(found) do
  local id, name = string.match(member, '^(%S+) (.*)$')
  local deadline = carried(id, name)
  if deadline then
    table.insert(lease, until_ms)
    table.insert(lease, member)
    table.insert(out, id)
    table.insert(out, deadline)
  else
    table.insert(stale, member)
  end
end
if #stale > 0 then redis.call('ZREM', claimed, unpack(stale)) end
if #lease > 0 then redis.call('ZADD', claimed, unpack(lease)) end
return out
