-- The atomic call of intake: for each group of one partition, in order, does it belong to a known case or does it open one?
-- The same rule as a pure function, and the meaning of every number: incidents/steps/sifting.py. Contract: tests/adapters/test_sift.py.
--
-- KEYS[2] prefix of sift's keys · KEYS[3] hash of the events clock, or ""
-- ARGV[2] partition · ARGV[3] topic id · ARGV[4] highest event time of the batch (ms) · ARGV[5] version of the rules · ARGV[6..] groups, one JSON object each
--
-- <prefix>case:<id>    hash: family identity x y known tight first last urgent state handled ended into count told_count told_last told_after
--                      (closure writes state, handled, ended, into); dropped when closure forgets the case
--                      opening: what opens the case, said with every sight until closure knows the case and drops the field: partitions
--                      publish side by side, so a sighting from another one may reach closure before the report that opened
-- <prefix>seen:<id>    hash: source -> count|first|last|topic|partition|offset; dropped likewise
-- <prefix>mark:<p>:<source>  [case, topic, offset, newest time, [key, ...]]: everything of the source up to offset is applied; 8 days
-- <prefix>identity:<family>:<identity>  case id; 8 days
-- <prefix>place:<family>  geo index of cases; swept on touch, kept until the recurrence window is over
-- <prefix>outbox:<p>   stream of outcomes that nobody has published yet
--
-- Returns {entry id or "", outcome JSON, [[group number, verdict, case, x, y, first, last, urgent], ...] JSON}.
-- A group is answered `again` when it must open a case but brought no opening for its first fresh report, or when its reports might not all
-- be judged like the first: it comes again, split into single reports. Every later group of its source or near it in this call is answered
-- `later`, so that a source, and what may be one case, stays strictly in order. Nothing is written for either.

local prefix, partition, topic = KEYS[2], ARGV[2], ARGV[3]
local CM = 1.1119508023353298
local EIGHT_DAYS = 691200
local RECENT = 16
local floor, sqrt, max, min = math.floor, math.sqrt, math.max, math.min
local fates, sights, learned, stuck = {}, {}, {}, {}
local told = {}

local FIELDS = {'family', 'identity', 'x', 'y', 'known', 'tight', 'first', 'last', 'urgent', 'state', 'handled', 'ended', 'into', 'count',
  'told_count', 'told_last', 'told_after'}

local function load(id)
  for _ = 1, 5 do
    local v = redis.call('HMGET', prefix .. 'case:' .. id, unpack(FIELDS))
    if not v[1] then return nil end
    if not v[13] or v[13] == '' then
      return {id = id, family = v[1], identity = v[2], x = tonumber(v[3]), y = tonumber(v[4]), known = v[5] == '1', tight = v[6] == '1',
        first = tonumber(v[7]), last = tonumber(v[8]), urgent = tonumber(v[9]), state = v[10], handled = tonumber(v[11] or ''),
        ended = tonumber(v[12] or ''), count = tonumber(v[14]), told_count = tonumber(v[15]), told_last = tonumber(v[16]),
        told_after = v[17] == '1'}
    end
    id = v[13]
  end
  return nil
end

local function fits(g, c, time)
  local gap = max(0, time - c.last, c.first - time)
  local east = (g.x - c.x) * CM * g.c / 1000000
  local north = (g.y - c.y) * CM
  local apart = floor(sqrt(east * east + north * north))
  if g.f ~= c.family then return 'no', apart, gap end
  if g.i ~= '' and c.identity ~= '' then
    if g.i ~= c.identity then return 'no', apart, gap end
  elseif g.b ~= 1 or g.k ~= 1 or not c.known or apart > g.r then
    return 'no', apart, gap
  end
  if c.state == 'not_filed' or c.state == 'void' then
    if g.m == 1 and g.u > 0 and c.ended and time - c.ended <= g.q and redis.call('HEXISTS', prefix .. 'seen:' .. c.id, g.s) == 1 then
      return 'refused', apart, gap
    end
    return 'no', apart, gap
  end
  if c.state == 'expired' then return 'no', apart, gap end
  if c.state == 'closed' then
    if c.handled and time <= c.handled then return gap <= g.w and 'late' or 'no', apart, gap end
    if c.ended and time - c.ended <= g.a then return 'recurred', apart, gap end
    return 'no', apart, gap
  end
  if gap > g.w then return 'no', apart, gap end
  if g.p > 0 and max(time, c.last) - min(time, c.first) > g.p then return 'series', apart, gap end
  if c.handled and time <= c.handled then return 'late', apart, gap end
  return 'join', apart, gap
end

-- Whether a group must wait for an earlier one that is stuck: of the same source, or so near that they may belong to the same case.
local function waits(g)
  for _, s in ipairs(stuck) do
    if s.s == g.s then return true end
    if s.f == g.f then
      if g.i ~= '' and g.i == s.i then return true end
      local east = (g.x - s.x) * CM * g.c / 1000000
      local north = (g.y - s.y) * CM
      local reach = 2 * g.r + g.z + s.z
      if east * east + north * north <= reach * reach then return true end
    end
  end
  return false
end

-- The case that the group joins, or the strongest link (recurred, refused, series) or suggestion for the case that it opens.
local function find(g, mark, time)
  local link, suggested
  local function try(id, rule)
    if not id or id == '' then return nil end
    local c = load(id)
    if not c then return nil end
    local fit, apart, gap = fits(g, c, time)
    if fit == 'join' or fit == 'late' then
      return {c = c, rule = fit == 'late' and 'late' or rule, apart = apart, gap = gap}
    end
    if fit ~= 'no' and not link then link = {c = c, rule = fit, apart = apart, gap = gap} end
    return nil
  end
  if g.m == 1 then
    local found = try(g.h, 'same_source')
    if not found and mark and mark[1] ~= g.h then found = try(mark[1], 'same_source') end
    if not found and g.i ~= '' then
      found = try(redis.call('GET', prefix .. 'identity:' .. g.f .. ':' .. g.i), 'same_' .. string.match(g.i, '^[^:]+'))
    end
    if found then return found end
  end
  if g.b == 1 and g.k == 1 then
    local index = prefix .. 'place:' .. g.f
    local near = redis.call('GEOSEARCH', index, 'FROMLONLAT', string.format('%.7f', g.x / 10000000), string.format('%.7f', g.y / 10000000),
      'BYRADIUS', g.r / 100 + 1, 'm', 'ASC')
    -- The index orders by distances half a metre off: the one distance formula, then the id, decides.
    local found, other
    local function nearer(fit, c, apart, gap, than)
      if than and (than.apart < apart or (than.apart == apart and than.c.id < c.id)) then return than end
      return {c = c, rule = fit, apart = apart, gap = gap}
    end
    for _, id in ipairs(near) do
      local c = load(id)
      if not c or c.id ~= id then
        redis.call('ZREM', index, id)
      else
        local fit, apart, gap = fits(g, c, time)
        if fit == 'join' or fit == 'late' then
          if g.m == 1 and g.t == 1 and c.tight then
            found = nearer(fit == 'late' and 'late' or 'same_place', c, apart, gap, found)
          else
            suggested = nearer(fit, c, apart, gap, suggested)
          end
        elseif fit ~= 'no' then
          if g.m == 1 then other = nearer(fit, c, apart, gap, other) end
        elseif time - max(c.last, c.ended or 0) > g.w + g.a then
          redis.call('ZREM', index, id)
        end
      end
    end
    if found then return found end
    link = link or other
  end
  return nil, link, suggested and suggested.c.id
end

-- Whether some report of the group might be judged otherwise than its first one: then each is sifted by itself.
local function apart_from_the_group(g, found, last)
  if g.h ~= '' and found.c.id ~= g.h then return true end
  if found.rule == 'late' and last > found.c.handled then return true end
  return g.h == '' and g.i == '' and found.apart + g.z > g.r
end

local function open(g, link, suggested, time)
  local held = g.d == 1 or (link and link.rule == 'refused')
  redis.call('HSET', prefix .. 'case:' .. g.n, 'family', g.f, 'identity', g.i, 'x', g.x, 'y', g.y, 'known', g.k, 'tight', g.t, 'first', time,
    'last', time, 'urgent', g.u, 'state', held and 'held' or 'reported', 'handled', '', 'ended', '', 'into', '', 'count', 0,
    'told_count', 0, 'told_last', time, 'told_after', '0')
  if g.b == 1 and g.k == 1 then
    redis.call('GEOADD', prefix .. 'place:' .. g.f, string.format('%.7f', g.x / 10000000), string.format('%.7f', g.y / 10000000), g.n)
  end
  if g.i ~= '' then redis.call('SET', prefix .. 'identity:' .. g.f .. ':' .. g.i, g.n, 'EX', EIGHT_DAYS) end
  redis.call('HSET', prefix .. 'case:' .. g.n, 'opening', cjson.encode({
    opening = g.o,
    held = held and (link and link.rule == 'refused' and 'refused_before' or 'waiting') or nil,
    link = link and link.rule ~= 'refused' and {link.rule, link.c.id} or nil,
    suggested = suggested,
  }))
  return {id = g.n, family = g.f, x = g.x, y = g.y, first = time, last = time, urgent = g.u, state = held and 'held' or 'reported', count = 0,
    told_count = 0, told_last = time, fresh = true}, held and 'held' or 'opened'
end

local function count(g, c, offsets, first, last)
  local seen = prefix .. 'seen:' .. c.id
  local before = redis.call('HGET', seen, g.s)
  local n, f, l = #offsets, first, last
  if before then
    local n0, f0, l0 = string.match(before, '^(%d+)|(%-?%d+)|(%-?%d+)')
    n, f, l = n + n0, min(f, tonumber(f0)), max(l, tonumber(l0))
  end
  redis.call('HSET', seen, g.s, string.format('%.0f|%.0f|%.0f|%s|%s|%.0f', n, f, l, topic, partition, offsets[#offsets]))
  c.first, c.last, c.count = min(c.first, first), max(c.last, last), c.count + #offsets
  local after = c.handled and last > c.handled and not c.told_after
  local tell = c.fresh or not before or g.N == 1 or after or g.u < c.urgent or c.count >= 2 * c.told_count or c.last - c.told_last > g.w / 4
  c.urgent = min(c.urgent, g.u)
  local id = prefix .. 'case:' .. c.id
  redis.call('HSET', id, 'first', c.first, 'last', c.last, 'count', c.count, 'urgent', c.urgent)
  if tell then
    redis.call('HSET', id, 'told_count', c.count, 'told_last', c.last, 'told_after', (after or c.told_after) and '1' or '0')
    c.told_count, c.told_last = c.count, c.last
  end
  return tell
end

local function tell(g, c, verdict)
  local sight = told[c.id]
  if not sight then
    sight = {case = c.id}
    told[c.id] = sight
    sights[#sights + 1] = sight
  end
  if g.o ~= '' and verdict == 'merged' then
    sight.more = sight.more or {}
    if #sight.more < 8 then sight.more[#sight.more + 1] = g.o end
  end
  sight.urgent = c.urgent
end

local function sift(number, g)
  local marked = prefix .. 'mark:' .. partition .. ':' .. g.s
  local mark = redis.call('GET', marked)
  mark = mark and cjson.decode(mark)
  local behind = mark and mark[2] == topic and mark[3] or -1
  local newest, recent = mark and mark[4] or -1, mark and mark[5] or {}
  local already, resent, fresh, first, last, start = {}, {}, {}, nil, nil, nil
  for at, offset in ipairs(g.O) do
    local time, key = g.T[at], g.K[at]
    local again = false
    if offset > behind then
      if at == 1 and g.n ~= '' and redis.call('EXISTS', prefix .. 'case:' .. g.n) == 1 then again = true end
      if not again and time <= newest then
        for _, known in ipairs(recent) do if known == key then again = true break end end
      end
    end
    if offset <= behind then already[#already + 1] = offset
    elseif again then resent[#resent + 1] = offset
    else
      fresh[#fresh + 1] = offset
      start = start or at
      first, last = min(first or time, time), max(last or time, time)
    end
  end
  local verdict, found, link, suggested, c, mixed = nil, nil, nil, nil, nil, false
  if #fresh > 0 then
    found, link, suggested = find(g, mark, g.T[start])
    if found and #fresh > 1 then mixed = apart_from_the_group(g, found, last) end
    if mixed or (not found and (g.o == '' or start > 1)) then
      stuck[#stuck + 1] = g
      learned[#learned + 1] = {number, 'again'}
      return
    end
  end
  -- Decided; from here on only writes.
  if #fresh > 0 then
    if found then c, verdict = found.c, 'merged' else c, verdict = open(g, link, suggested, g.T[start]) end
    local why = found or link
    local row = {c.id, verdict, why and why.rule or verdict, why and why.apart or 0, why and why.gap or 0}
    if verdict == 'merged' then
      row[6] = fresh
      if c.state == 'held' then row[7], row[8] = c.count + #fresh, g.e end
      fates[#fates + 1] = row
    else
      row[6] = {fresh[1]}
      fates[#fates + 1] = row
      if #fresh > 1 then
        local others = {}
        for at = 2, #fresh do others[at - 1] = fresh[at] end
        fates[#fates + 1] = {c.id, 'merged', 'same_source', 0, last - first, others}
      end
    end
    if count(g, c, fresh, first, last) then tell(g, c, verdict) end
    learned[#learned + 1] = {number, verdict, c.id, c.x, c.y, c.first, c.last, c.urgent}
  else
    local known = mark and load(mark[1])
    if known then learned[#learned + 1] = {number, 'already', known.id, known.x, known.y, known.first, known.last, known.urgent}
    else learned[#learned + 1] = {number, 'already'} end
  end
  if #resent > 0 then fates[#fates + 1] = {cjson.null, 'resent', 'resent', 0, 0, resent} end
  if #fresh + #resent > 0 then
    for at, offset in ipairs(g.O) do
      if offset > behind then
        recent[#recent + 1] = g.K[at]
        newest = max(newest, g.T[at])
      end
    end
    while #recent > RECENT do table.remove(recent, 1) end
    local case = c and c.id or (mark and mark[1]) or ''
    redis.call('SET', marked, cjson.encode({case, topic, g.O[#g.O], newest, recent}), 'EX', EIGHT_DAYS)
  end
end

for at = 6, #ARGV do
  local number = at - 6
  local good, g = pcall(cjson.decode, ARGV[at])
  if not good then
    learned[#learned + 1] = {number, 'failed'}
  elseif #stuck > 0 and waits(g) then
    stuck[#stuck + 1] = g
    learned[#learned + 1] = {number, 'later'}
  else
    local worked, why = pcall(sift, number, g)
    if not worked then learned[#learned + 1] = {number, 'failed', tostring(type(why) == 'table' and why.err or why)} end
  end
end

for _, sight in ipairs(sights) do
  sight.totals = redis.call('HGETALL', prefix .. 'seen:' .. sight.case)
  sight.opens = redis.call('HGET', prefix .. 'case:' .. sight.case, 'opening') or nil
end
if KEYS[3] ~= '' and ARGV[4] ~= '' then
  local high = tonumber(redis.call('HGET', KEYS[3], partition) or '')
  if not high or tonumber(ARGV[4]) > high then redis.call('HSET', KEYS[3], partition, ARGV[4]) end
end
local entry, outcome = '', ''
if #fates > 0 then
  outcome = cjson.encode({topic = topic, partition = tonumber(partition), rules = ARGV[5], fates = fates, sights = sights})
  entry = redis.call('XADD', prefix .. 'outbox:' .. partition, '*', 'o', outcome)
end
return {entry, outcome, cjson.encode(learned)}
