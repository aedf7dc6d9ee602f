-- Makes cases aliases of others before a merge is decided, each only if the other one is known, open and no alias itself: so crossed
-- merges (A into B, B into A, at once) can never make both cases aliases, nor any number of them a circle. Asked again by the same
-- command it grants again; asked by another one it grants nothing while the first one stands.
--
-- KEYS[2] prefix of all keys · ARGV[2..] per merge case id, the other's id, command id. Returns per merge the other's state and 1 or 0.

local prefix, aliases = KEYS[2], KEYS[2] .. 'aliases'
local ended = {[''] = true, closed = true, not_filed = true, void = true, merged = true}
local out = {}
for n = 2, #ARGV, 3 do
  local id, into, command = ARGV[n], ARGV[n + 1], ARGV[n + 2]
  local state = string.match(redis.call('GETRANGE', prefix .. 'case:' .. into, 0, 400), '"state":"([a-z_]+)"') or ''
  local wanted = into .. ' ' .. command
  local stands = redis.call('HGET', aliases, id)
  local granted = stands == wanted
  if not stands and not ended[state] and id ~= into and redis.call('HEXISTS', aliases, into) == 0 then
    redis.call('HSET', aliases, id, wanted)
    granted = true
  end
  table.insert(out, state)
  table.insert(out, granted and 1 or 0)
end
return out
