-- Moves cases to the state after their facts, each by compare-and-set on its sequence, forwards only, and leaves the answers.
-- Closure calls it when the facts are durable in Kafka (ARCHITECTURE.md §3); a zombie's late move finds a higher sequence and changes nothing.
--
-- KEYS[2] prefix of all keys · ARGV[2] seconds a forgotten case is kept · ARGV[3] seconds an answer is kept · ARGV[4] number of moves
-- ARGV[5..] per move {id, before, after, opened, state, handled, ended, into, apart, forgotten, gone = {member}, due = {{member, ms}}} and the
-- case, both JSON; then per answer command id and JSON.
-- Forgetting leaves the sequence as it is (before = after). Returns the ids of the cases that stand further than `after` already.

local prefix = KEYS[2]
local conflicts, n = {}, 5

local function at_sequence(key)
  return tonumber(string.match(redis.call('GETRANGE', key, 0, 400), '"sequence":(%d+)') or '0')
end

-- What sifting keeps of a case, around what closure writes there: see CASE in sift_kept.lua.
local function sifted(id)
  local text = redis.call('GET', prefix .. 'sift:case:' .. id)
  if not text then return nil end
  return string.sub(text, 1, 52), string.match(text, '^[^|]*|[^|]*|[^|]*|[^|]*|(([^|]*)|.*)$', 53)
end

local function forget(move, key)
  redis.call('EXPIRE', key, ARGV[2])
  redis.call('ZREM', prefix .. 'cases', move.id)
  redis.call('HDEL', prefix .. 'feed:told', move.id)
  redis.call('HDEL', prefix .. 'aliases', move.id)
  local _, _, cell = sifted(move.id)
  if cell and cell ~= '' then redis.call('HDEL', cell, move.id) end
  redis.call('UNLINK', prefix .. 'sift:case:' .. move.id, prefix .. 'sift:opening:' .. move.id, prefix .. 'sift:seen:' .. move.id)
end

local function tell_sift(move)
  local head, tail, cell = sifted(move.id)
  if not head then return end
  local stands = table.concat({move.state, move.handled, move.ended, move.into}, '|')
  redis.call('SET', prefix .. 'sift:case:' .. move.id, head .. stands .. '|' .. tail)
  redis.call('DEL', prefix .. 'sift:opening:' .. move.id) -- from now on closure knows the case
  local entry = cell ~= '' and redis.call('HGET', cell, move.id)
  if entry then -- see ENTRY in sift_kept.lua
    local now = struct.pack('<B', move.into ~= '' and 2 or move.ended ~= '' and 1 or 0)
    local handled = struct.pack('<d', tonumber(move.handled) or 0)
    redis.call('HSET', cell, move.id, string.sub(entry, 1, 9) .. now .. handled .. string.sub(entry, 19))
  end
end

local function carry_out(move, key, case)
  redis.call('SET', key, case)
  for _, member in ipairs(move.gone) do
    redis.call('ZREM', prefix .. 'deadlines', member)
    redis.call('ZREM', prefix .. 'deadlines:claimed', member)
  end
  for _, due in ipairs(move.due) do
    redis.call('ZADD', prefix .. 'deadlines', string.format('%.0f', due[2]), due[1])
  end
  if move.into ~= '' then
    redis.call('HSETNX', prefix .. 'aliases', move.id, move.into)
  elseif move.apart then
    redis.call('HDEL', prefix .. 'aliases', move.id)
  end
  if move.forgotten then
    forget(move, key)
  else
    redis.call('ZADD', prefix .. 'cases', string.format('%.0f', move.opened), move.id)
    tell_sift(move)
  end
end

for _ = 1, tonumber(ARGV[4]) do
  local move = cjson.decode(ARGV[n])
  local key = prefix .. 'case:' .. move.id
  local at = at_sequence(key)
  if at < move.after or (at == move.after and move.before == move.after) then
    carry_out(move, key, ARGV[n + 1])
  elseif at > move.after then
    table.insert(conflicts, move.id)
  end
  n = n + 2
end
for i = n, #ARGV, 2 do
  redis.call('SET', prefix .. 'reply:' .. ARGV[i], ARGV[i + 1], 'EX', ARGV[3])
end
return conflicts
