-- The queue of deliveries: every change of it is one call of this script, so that a process may die between any two (deliveries_redis.py).
--
-- KEYS[2] prefix of the queue's keys · ARGV[2] what to do · ARGV[3] now, ms · ARGV[4..] by what is done, see the end.
-- delivery:<id>         hash: notice target line sequence queued state(waiting|claimed|delivered|dead) turn tries attempts
--                       with (the other members of the digest it leads) · in (its leader) · alone (never again in a digest) · fallback
-- line:<target>|<line>  zset: id by sequence; only its first may be under way
-- due:<target>          zset: line by when its first may be tried · busy:<target> set: lines that are under way, or held by a digest
-- target:<target>       hash: flight failures since hold disabled waiting minute second · sent:<target> zset: attempts of the last minute
-- targets               zset: target by when something of it may go · claimed zset: id by the end of its lease · waiting zset: id by queued
-- fallbacks             zset: id by when its fallback is told · dead zset: id by when · unsaid set: dead ones not yet on the dead letters
-- open                  set: targets whose breaker is open · known set: every target that was ever told something

local p, now = KEYS[2], tonumber(ARGV[3])
local AT_ONCE, DIGEST, OPENS = 16, 50, 5
local DELIVERED_S, DEAD_S = 86400, 2592000
local call = redis.call

local function of(id) return p .. 'delivery:' .. id end
local function line_of(t, line) return p .. 'line:' .. t .. '|' .. line end
local function number(t, field) return tonumber(call('HGET', p .. 'target:' .. t, field) or '0') end

local function wake(t)
  local head = call('ZRANGE', p .. 'due:' .. t, 0, 0, 'WITHSCORES')
  local room = (number(t, 'failures') > 0 or number(t, 'minute') > 0) and 1 or AT_ONCE
  if not head[1] or number(t, 'flight') >= room then
    call('ZREM', p .. 'targets', t)
  else
    call('ZADD', p .. 'targets', math.max(tonumber(head[2]), number(t, 'hold')), t)
  end
  return room
end

local function release(t, line, at)
  call('SREM', p .. 'busy:' .. t, line)
  if call('EXISTS', line_of(t, line)) == 1 then
    call('ZADD', p .. 'due:' .. t, at, line)
  else
    call('ZREM', p .. 'due:' .. t, line)
  end
end

local function stand(id, t, line, sequence)
  call('ZADD', line_of(t, line), sequence, id)
  call('ZADD', p .. 'waiting', now, id)
  call('HINCRBY', p .. 'target:' .. t, 'waiting', 1)
  if call('SISMEMBER', p .. 'busy:' .. t, line) == 0 then call('ZADD', p .. 'due:' .. t, 'NX', now, line) end
  wake(t)
end

-- How many more a limited target takes now, and when the next may go: at most `minute` in any 60 s and `second` in any one.
local function budget(t)
  local minute, second, sent = number(t, 'minute'), number(t, 'second'), p .. 'sent:' .. t
  if minute == 0 then return math.huge, now end
  call('ZREMRANGEBYSCORE', sent, '-inf', now - 60000)
  local left, later = minute - call('ZCARD', sent), now
  if left < 1 then later = tonumber(call('ZRANGE', sent, 0, 0, 'WITHSCORES')[2]) + 60001 end
  if second > 0 and call('ZCOUNT', sent, '(' .. (now - 1000), '+inf') >= second then
    left, later = 0, math.max(later, tonumber(call('ZREVRANGE', sent, second - 1, second - 1, 'WITHSCORES')[2]) + 1001)
  end
  return left, later
end

-- The deliveries that make one digest, in the order of their lines; one alone when there is nothing to digest it with.
local function gathered(t, lines)
  local members = {}
  for _, line in ipairs(lines) do
    for _, id in ipairs(call('ZRANGE', line_of(t, line), 0, DIGEST - 1)) do
      local settled = call('HMGET', of(id), 'with', 'alone')
      if settled[1] or settled[2] then
        if #members == 0 then return {id} end
        break
      end
      members[#members + 1] = id
      if #members == DIGEST then return members end
    end
  end
  return members
end

local function digest(t, members)
  local others = {}
  for at = 2, #members do
    local line = call('HGET', of(members[at]), 'line')
    call('HSET', of(members[at]), 'in', members[1])
    call('ZREM', p .. 'due:' .. t, line)
    call('SADD', p .. 'busy:' .. t, line)
    others[#others + 1] = members[at]
  end
  if #others > 0 then call('HSET', of(members[1]), 'with', cjson.encode(others)) end
end

local function members_of(id)
  local with = call('HGET', of(id), 'with')
  return with and cjson.decode(with) or {}
end

local function taken(t, id, lease)
  local kept = call('HMGET', of(id), 'line', 'queued', 'notice')
  local turn = call('HINCRBY', of(id), 'turn', 1)
  local tries = call('HINCRBY', of(id), 'tries', 1)
  call('HSET', of(id), 'state', 'claimed')
  call('ZREM', p .. 'due:' .. t, kept[1])
  call('SADD', p .. 'busy:' .. t, kept[1])
  call('ZADD', p .. 'claimed', lease, id)
  call('HINCRBY', p .. 'target:' .. t, 'flight', 1)
  if number(t, 'minute') > 0 then call('ZADD', p .. 'sent:' .. t, now, id .. ' ' .. turn) end
  local notices = {kept[3]}
  for _, member in ipairs(members_of(id)) do notices[#notices + 1] = call('HGET', of(member), 'notice') end
  local known = call('HMGET', p .. 'target:' .. t, 'failures', 'since', 'disabled')
  return {id, turn, tries, t, kept[2], known[1] or '0', known[2] or '', known[3] or '', notices}
end

local function claim(most, lease)
  local out = {}
  for _, t in ipairs(call('ZRANGEBYSCORE', p .. 'targets', '-inf', now, 'LIMIT', 0, most)) do
    local room = wake(t) - number(t, 'flight')
    local disabled = call('HEXISTS', p .. 'target:' .. t, 'disabled') == 1
    local left, later = budget(t)
    if left < 1 and not disabled then
      call('ZADD', p .. 'targets', later, t)
    else
      local crowded = number(t, 'waiting') > left and not disabled
      local lines = call('ZRANGEBYSCORE', p .. 'due:' .. t, '-inf', now, 'LIMIT', 0, crowded and DIGEST or math.min(room, most - #out))
      if crowded and lines[1] then
        local members = gathered(t, lines)
        digest(t, members)
        lines = {call('HGET', of(members[1]), 'line')}
      end
      for _, line in ipairs(lines) do
        out[#out + 1] = taken(t, call('ZRANGE', line_of(t, line), 0, 0)[1], lease)
      end
      wake(t)
    end
    if #out >= most then break end
  end
  return out
end

local function noted(id, attempt)
  local before = call('HGET', of(id), 'attempts')
  call('HSET', of(id), 'attempts', before and (before .. ',' .. attempt) or attempt)
end

-- One member leaves the queue, delivered or dead.
local function leave(t, id, state, attempts)
  local line = call('HGET', of(id), 'line')
  call('ZREM', line_of(t, line), id)
  call('ZREM', p .. 'waiting', id)
  call('HINCRBY', p .. 'target:' .. t, 'waiting', -1)
  call('HSET', of(id), 'state', state, 'ended', now)
  if attempts then noted(id, attempts) end
  if state == 'dead' then
    call('ZADD', p .. 'dead', now, id)
    call('SADD', p .. 'unsaid', id)
    if call('ZSCORE', p .. 'fallbacks', id) then call('ZADD', p .. 'fallbacks', now, id) end
    call('EXPIRE', of(id), DEAD_S)
  else
    call('ZREM', p .. 'fallbacks', id)
    call('HDEL', of(id), 'notice')
    call('EXPIRE', of(id), DELIVERED_S)
  end
  release(t, line, now)
end

local function hurry(t)
  call('HDEL', p .. 'target:' .. t, 'failures', 'since', 'hold')
  call('SREM', p .. 'open', t)
  for _, line in ipairs(call('ZRANGEBYSCORE', p .. 'due:' .. t, '(' .. now, '+inf')) do call('ZADD', p .. 'due:' .. t, now, line) end
end

local function recover(t)
  if number(t, 'failures') >= OPENS then hurry(t) else call('HDEL', p .. 'target:' .. t, 'failures', 'since', 'hold') end
end

local function failed(t, hold)
  local failures = call('HINCRBY', p .. 'target:' .. t, 'failures', 1)
  call('HSETNX', p .. 'target:' .. t, 'since', now)
  if failures >= OPENS then call('SADD', p .. 'open', t) end
  if hold > number(t, 'hold') then call('HSET', p .. 'target:' .. t, 'hold', hold) end
end

local function disable(t, why)
  hurry(t)
  call('HSET', p .. 'target:' .. t, 'disabled', why)
end

local function dissolve(t, id, members)
  call('HDEL', of(id), 'with')
  call('HSET', of(id), 'alone', 1)
  for _, member in ipairs(members) do
    call('HDEL', of(member), 'in')
    release(t, call('HGET', of(member), 'line'), now)
  end
end

-- {id, turn, outcome = delivered|retry|dead|refused, attempt, at, hold, fault, early, disable}
local function settle(end_)
  local id = end_.id
  local kept = call('HMGET', of(id), 'target', 'line', 'turn', 'state')
  if kept[4] ~= 'claimed' or tonumber(kept[3]) ~= end_.turn then return 0 end
  local t, line, members = kept[1], kept[2], members_of(id)
  call('ZREM', p .. 'claimed', id)
  call('HINCRBY', p .. 'target:' .. t, 'flight', -1)
  noted(id, end_.attempt)
  if end_.outcome == 'delivered' then recover(t) elseif end_.fault then failed(t, end_.hold) end
  local again = end_.outcome == 'retry'
  if end_.outcome == 'refused' and #members > 0 then
    dissolve(t, id, members)
    again = true
  end
  if again then
    call('HSET', of(id), 'state', 'waiting')
    release(t, line, end_.at)
  else
    local attempts = call('HGET', of(id), 'attempts')
    local state = end_.outcome == 'delivered' and 'delivered' or 'dead'
    leave(t, id, state)
    for _, member in ipairs(members) do leave(t, member, state, attempts) end
  end
  if end_.early then
    members[#members + 1] = id
    for _, member in ipairs(members) do
      if call('ZSCORE', p .. 'fallbacks', member) then call('ZADD', p .. 'fallbacks', now, member) end
    end
  end
  if end_.disable then disable(t, end_.disable) end
  wake(t)
  return 1
end

local function enqueue(order, notice)
  if call('EXISTS', of(order.id)) == 1 then return 0 end
  call('HSET', of(order.id), 'notice', notice, 'target', order.target, 'line', order.line, 'sequence', order.sequence,
    'queued', now, 'state', 'waiting', 'turn', 0, 'tries', 0)
  call('HSET', p .. 'target:' .. order.target, 'minute', order.minute, 'second', order.second)
  call('SADD', p .. 'known', order.target)
  if order.fallback >= 0 then call('ZADD', p .. 'fallbacks', now + order.fallback, order.id) end
  stand(order.id, order.target, order.line, order.sequence)
  return 1
end

local function replay(id)
  local kept = call('HMGET', of(id), 'state', 'target', 'line', 'sequence')
  if kept[1] ~= 'dead' then return 0 end
  call('ZREM', p .. 'dead', id)
  call('HDEL', of(id), 'with', 'in', 'ended')
  call('HSET', of(id), 'state', 'waiting', 'tries', 0, 'queued', now)
  call('PERSIST', of(id))
  stand(id, kept[2], kept[3], kept[4])
  return 1
end

local doing = {}
function doing.enqueue()
  local done = 0
  for at = 4, #ARGV, 2 do done = done + enqueue(cjson.decode(ARGV[at]), ARGV[at + 1]) end
  return done
end
function doing.claim() return claim(tonumber(ARGV[4]), now + tonumber(ARGV[5])) end
function doing.settle()
  local done = 0
  for at = 4, #ARGV do done = done + settle(cjson.decode(ARGV[at])) end
  return done
end
function doing.replay()
  local done = 0
  for at = 4, #ARGV do done = done + replay(ARGV[at]) end
  return done
end
function doing.enable()
  call('HDEL', p .. 'target:' .. ARGV[4], 'disabled')
  hurry(ARGV[4])
  wake(ARGV[4])
end
function doing.sweep() -- ARGV[4] what is noted of an attempt whose process never came back
  local lost = call('ZRANGEBYSCORE', p .. 'claimed', '-inf', now, 'LIMIT', 0, 500)
  for _, id in ipairs(lost) do
    settle({id = id, turn = tonumber(call('HGET', of(id), 'turn')), outcome = 'retry', attempt = ARGV[4], at = now, hold = 0})
  end
  call('ZREMRANGEBYSCORE', p .. 'dead', '-inf', now - DEAD_S * 1000)
  return #lost
end
function doing.late()
  local out = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', p .. 'fallbacks', '-inf', now, 'LIMIT', 0, 100)) do
    local kept = call('HMGET', of(id), 'target', 'notice')
    out[#out + 1] = {id, kept[1], kept[2]}
  end
  return out
end
function doing.fell_back()
  for at = 4, #ARGV do
    call('ZREM', p .. 'fallbacks', ARGV[at])
    call('HSET', of(ARGV[at]), 'fallback', now)
  end
end
function doing.unsaid()
  local out = {}
  for _, id in ipairs(call('SRANDMEMBER', p .. 'unsaid', 100)) do out[#out + 1] = {id, call('HGETALL', of(id))} end
  return out
end
function doing.said() for at = 4, #ARGV do call('SREM', p .. 'unsaid', ARGV[at]) end end
function doing.show() return call('HGETALL', of(ARGV[4])) end
function doing.listed() return call('ZRANGE', p .. ARGV[4], 0, tonumber(ARGV[5]) - 1) end -- waiting or dead, the oldest first
function doing.known() return call('SMEMBERS', p .. 'known') end
function doing.targets() -- how these stand
  local out = {}
  for at = 4, #ARGV do out[#out + 1] = call('HMGET', p .. 'target:' .. ARGV[at], 'waiting', 'failures', 'since', 'hold', 'disabled') end
  return out
end
function doing.standing()
  local oldest = call('ZRANGE', p .. 'waiting', 0, 0, 'WITHSCORES')[2] or ''
  local next_ = call('ZRANGE', p .. 'targets', 0, 0, 'WITHSCORES')[2] or ''
  return {call('ZCARD', p .. 'waiting'), call('ZCARD', p .. 'claimed'), call('ZCARD', p .. 'dead'), call('SCARD', p .. 'open'), oldest, next_}
end
return doing[ARGV[2]]()
