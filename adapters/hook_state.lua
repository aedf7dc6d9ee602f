-- What the dispatcher of notices keeps: every change of it is one call of this script, refused without the lease (hook_state_redis.py).
--
-- KEYS[2] prefix of the keys · ARGV[2] what to do · ARGV[3] the caller's token · ARGV[4..] by what is done.
-- lease        string: the token of the one dispatcher; expires
-- board        hash: the board's records · offsets hash: partition -> next offset, "topic" -> the topic's id
-- escalations  hash: those whose proof of delivery is outstanding
-- why:<case>   list, newest first: "<marker>\n<explanation>"; what stands among the newest is not said again

local p, what, token = KEYS[2], ARGV[2], ARGV[3]
local call = redis.call
local KEPT, ALIKE, DAYS_S = 50, 8, 2592000

if what == 'take' then
  local holder = call('GET', p .. 'lease')
  if holder and holder ~= token then return 0 end
  call('SET', p .. 'lease', token, 'PX', ARGV[4])
  return 1
end

if call('GET', p .. 'lease') ~= token then return 0 end

if what == 'renew' then
  call('PEXPIRE', p .. 'lease', ARGV[4])
  return 1
elseif what == 'release' then
  call('DEL', p .. 'lease')
  return 1
elseif what == 'forget' then
  call('DEL', p .. 'board', p .. 'offsets', p .. 'escalations')
  return 1
end

local at = 4
local function each(do_with)
  local many = tonumber(ARGV[at])
  at = at + 1
  for _ = 1, many do
    do_with(ARGV[at], ARGV[at + 1])
    at = at + 2
  end
end

local function keep(key)
  return function(field, value)
    if value == '' then call('HDEL', key, field) else call('HSET', key, field, value) end
  end
end

local function explain(case, entry)
  local key, marker = p .. 'why:' .. case, string.match(entry, '^[^\n]*\n')
  for _, known in ipairs(call('LRANGE', key, 0, ALIKE - 1)) do
    if string.sub(known, 1, #marker) == marker then return end
  end
  call('LPUSH', key, entry)
  call('LTRIM', key, 0, KEPT - 1)
  call('EXPIRE', key, DAYS_S)
end

each(keep(p .. 'board'))
each(keep(p .. 'offsets'))
each(keep(p .. 'escalations'))
each(explain)
return 1
