-- The atomic call of intake: for each group of one partition, in order, does it belong to a known case or does it open one?
-- The same rule as a pure function, and the meaning of every number: incidents/steps/sifting.py. Contract: tests/adapters/test_sift.py.
--
-- KEYS[2] prefix of sift's keys · KEYS[3] hash of the events clock, or ""
-- ARGV[2] partition · [3] topic id · [4] highest event time of the batch (ms) · [5] version of the rules · [6] µs that may be spent
-- ARGV[7] the rules, [[family, radius, window, span, recurs, quiet, by place, confirm, edge], …]
-- ARGV[8..] four per group: the group (GROUP, then its strings) · its offsets, a JSON array · its times (8 bytes each) and keys (4 bytes each)
--   · its opening, a JSON object, or ""
--
-- <prefix>case:<id>    hash; dropped when closure forgets the case
--   thing              THING, then family|identity
--   seen               SEEN
--   state handled ended into   written by closure
--   cell               where its place is indexed, or ""
--   opening            what opens the case, said with every sight until closure knows the case and drops the field: partitions publish
--                      side by side, so a sighting from another one may reach closure before the report that opened
-- <prefix>seen:<id>    hash: source -> count|first|last|topic|partition|offset; dropped likewise
-- <prefix>mark:<p>:<source>  MARK, then topic|cases, last first|keys of its last reports: all of it up to offset is applied; 8 days
-- <prefix>identity:<family>:<identity>  case id; 8 days
-- <prefix>place:<family>:<edge>:<column>:<row>  hash: case id -> ENTRY, at most CROWD: of a crowd the ended leave first, then the inexact,
--                      then the least lately seen; closure moves `stands` and `handled`, and takes out what it forgets
-- <prefix>outbox:<p>   stream of outcomes that nobody has published yet
--
-- Returns {entry id or "", outcome JSON, [[verdict, case, x, y, first, last, urgent], …] JSON, entries in the outbox}: more than its own
-- are another's who may be dead, and whose reports this one finds `already`. Groups beyond the list are answered `later`:
-- the time was up. A group is answered `again` when it must open a case but brought no opening for its first fresh report, or when its
-- reports might not all be judged like the first: it comes again, split into single reports. Every later group of its source or near it
-- in this call is answered `later`, so that a source, and what may be one case, stays strictly in order. Nothing is written for either.

local prefix, partition, topic, budget = KEYS[2], ARGV[2], ARGV[3], tonumber(ARGV[6])
local CM = 1.1119508023353298
local EIGHT_DAYS, RECENT, CASES, CROWD, PAGE, MORE = '691200', 16, 4, 64, 64, 8
-- rule · x y cos · known tight machine held notable · urgent · spread · reports · first and last offset · time of the first report, earliest,
-- latest · lengths of source, identity, hint, new id
local GROUP = '<I2i4i4I4BBBBBBdI4dddddI4I4BB'
local THING = '<i4i4BB' -- x y · known tight
local SEEN = '<ddBI4I4dBI4I4' -- first last · urgent · count · told: count, last, after the handling · sources · cursor
local MARK = '<dd' -- offset · newest time
local ENTRY = '<BBi4i4d' -- tight · stands: 0 open, 1 ended, 2 alias · x y · handled or 0; then its identity
local floor, sqrt, max, min = math.floor, math.sqrt, math.max, math.min
local call, decode, encode = redis.call, cjson.decode, cjson.encode
local match, sub, format, concat, packed, unpacked = string.match, string.sub, string.format, table.concat, struct.pack, struct.unpack
local fates, sights, learned = {}, {}, {}
local told = {}
local stuck = {sources = {}, things = {}, places = {}, wide = {}}
local rules, reach_of = {}, {}

for number, r in ipairs(decode(ARGV[7])) do
  rules[number - 1] = {family = r[1], radius = r[2], window = r[3], span = r[4], recurs = r[5], quiet = r[6], by_place = r[7] == 1,
    confirm = r[8], edge = r[9], cells = format('%splace:%s:%d:', prefix, r[1], r[9])}
  reach_of[r[1]] = max(reach_of[r[1]] or 0, r[2])
end

-- A JSON string.
local function quoted(text)
  return string.find(text, '[%c"\\]') and encode(text) or '"' .. text .. '"'
end

local function clock()
  local now = call('TIME')
  return now[1] * 1000000 + now[2]
end

local function read(at)
  local text = ARGV[at]
  local rule, x, y, cos, known, tight, machine, held, notable, urgent, spread, many, from, to, start, first, last, source, identity, hint, new,
    next = unpacked(GROUP, text)
  local g = {at = at, rule = rules[rule], x = x, y = y, cos = cos, known = known == 1, tight = tight == 1, machine = machine == 1,
    held = held == 1, notable = notable == 1, urgent = urgent, spread = spread, many = many, from = from, to = to, start = start,
    first = first, last = last, identity = '', hint = '', new = ''}
  g.source = sub(text, next, next + source - 1)
  next = next + source
  if identity > 0 then g.identity = sub(text, next, next + identity - 1) end
  next = next + identity
  if hint > 0 then g.hint = sub(text, next, next + hint - 1) end
  if new > 0 then g.new = sub(text, next + hint) end
  return g
end

local function load(id)
  for _ = 1, 5 do
    local v = call('HMGET', prefix .. 'case:' .. id, 'thing', 'seen', 'state', 'handled', 'ended', 'into')
    if not v[1] or not v[2] then return nil end
    if not v[6] or v[6] == '' then
      local x, y, known, tight, rest = unpacked(THING, v[1])
      local family, identity = match(v[1], '^([^|]*)|(.*)$', rest)
      local first, last, urgent, count, told_count, told_last, after, sources, cursor = unpacked(SEEN, v[2])
      return {id = id, x = x, y = y, known = known == 1, tight = tight == 1, family = family, identity = identity, first = first, last = last,
        urgent = urgent, count = count, told_count = told_count, told_last = told_last, after = after, sources = sources, cursor = cursor,
        state = v[3], handled = tonumber(v[4] or ''), ended = tonumber(v[5] or '')}
    end
    id = v[6]
  end
  return nil
end

local function apart(g, x, y)
  local east, north = (g.x - x) * CM * g.cos / 1000000, (g.y - y) * CM
  return floor(sqrt(east * east + north * north))
end

local function fits(g, c, time)
  local rule = g.rule
  local gap = max(0, time - c.last, c.first - time)
  local away = apart(g, c.x, c.y)
  if rule.family ~= c.family then return 'no', away, gap end
  if g.identity ~= '' and c.identity ~= '' then
    if g.identity ~= c.identity then return 'no', away, gap end
  elseif not rule.by_place or not g.known or not c.known or away > rule.radius then
    return 'no', away, gap
  end
  if c.state == 'not_filed' or c.state == 'void' then
    if g.machine and g.urgent > 0 and c.ended and time - c.ended <= rule.quiet
      and call('HEXISTS', prefix .. 'seen:' .. c.id, g.source) == 1 then
      return 'refused', away, gap
    end
    return 'no', away, gap
  end
  if c.state == 'expired' then return 'no', away, gap end
  if c.state == 'closed' then
    if c.handled and time <= c.handled then return gap <= rule.window and 'late' or 'no', away, gap end
    return c.ended and time - c.ended <= rule.recurs and 'recurred' or 'no', away, gap
  end
  if gap > rule.window then return 'no', away, gap end
  if rule.span > 0 and max(time, c.last) - min(time, c.first) > rule.span then return 'series', away, gap end
  return c.handled and time <= c.handled and 'late' or 'join', away, gap
end

-- Groups that are stuck, by what may make a later one wait for them; near ones by squares that no reach is wider than (below 75°).
local function square(g, east, north)
  local edge = 4 * reach_of[g.rule.family] / CM
  return g.rule.family .. ':' .. floor(g.x / edge / 4) + east .. ':' .. floor(g.y / edge) + north
end

local function stick(g)
  stuck.any = true
  stuck.sources[g.source] = true
  if g.identity ~= '' then stuck.things[g.rule.family .. ':' .. g.identity] = true end
  if not g.rule.by_place or not g.known then return end
  local wide = g.spread > reach_of[g.rule.family]
  local into, key = wide and stuck.wide or stuck.places, wide and g.rule.family or square(g, 0, 0)
  into[key] = into[key] or {}
  table.insert(into[key], g)
end

local function near(g, some)
  for _, s in ipairs(some or {}) do
    if apart(g, s.x, s.y) <= 2 * g.rule.radius + g.spread + s.spread then return true end
  end
  return false
end

local function waits(g)
  if stuck.sources[g.source] or (g.identity ~= '' and stuck.things[g.rule.family .. ':' .. g.identity]) then return true end
  if not g.rule.by_place or not g.known then return false end
  if near(g, stuck.wide[g.rule.family]) then return true end
  if g.spread > reach_of[g.rule.family] then
    for key, some in pairs(stuck.places) do
      if match(key, '^[^:]*') == g.rule.family and near(g, some) then return true end
    end
    return false
  end
  for east = -1, 1 do
    for north = -1, 1 do
      if near(g, stuck.places[square(g, east, north)]) then return true end
    end
  end
  return false
end

-- What is indexed within the radius and may be the same thing, nearest first.
local function around(g)
  local rule, found = g.rule, {}
  local north = rule.radius / CM + 2
  local east = north * 1000000 / g.cos
  local cells = {}
  for column = floor((g.x - east) / rule.edge), floor((g.x + east) / rule.edge) do
    for row = floor((g.y - north) / rule.edge), floor((g.y + north) / rule.edge) do
      cells[#cells + 1] = format('%s%d:%d', rule.cells, column, row)
    end
  end
  if call('EXISTS', unpack(cells)) == 0 then return found end
  for _, key in ipairs(cells) do
    local entries = call('HGETALL', key)
    for at = 1, #entries, 2 do
      local tight, stands, x, y, handled, rest = unpacked(ENTRY, entries[at + 1])
      local away = apart(g, x, y)
      if away <= rule.radius and stands < 2 then
        local identity = sub(entries[at + 1], rest)
        if g.identity == '' or identity == '' or identity == g.identity then
          found[#found + 1] = {id = entries[at], away = away, tight = tight == 1, ended = stands == 1, handled = handled}
        end
      end
    end
  end
  if #found > 1 then
    table.sort(found, function(a, b) return a.away < b.away or (a.away == b.away and a.id < b.id) end)
  end
  return found
end

-- The case at the place that a machine's report joins; or the nearest link and the nearest that it might be, as far as there is none yet.
local function by_place(g, time, link)
  local suggested
  for _, near in ipairs(around(g)) do
    local joins = g.machine and g.tight and near.tight
    local links = not link and (g.machine or (g.tight and near.tight))
    local late = near.ended and time <= near.handled
    if (joins and (late or not near.ended)) or (links and (near.ended or g.rule.span > 0))
      or (not suggested and (late or not near.ended)) then
      local c = load(near.id)
      local fit, away, gap = 'no', 0, 0
      if c and c.id == near.id then fit, away, gap = fits(g, c, time) end
      if fit == 'join' or fit == 'late' then
        if joins then return {c = c, rule = fit == 'late' and 'late' or 'same_place', apart = away, gap = gap} end
        suggested = suggested or c.id
      elseif fit ~= 'no' and links then
        link = {c = c, rule = fit, apart = away, gap = gap}
      end
    end
  end
  return nil, link, suggested
end

-- The case that the group joins, or the strongest link (recurred, refused, series) and suggestion for the case that it opens.
local function find(g, mark, time)
  local link, suggested
  local function try(id, rule)
    local c = load(id)
    if not c then return nil end
    local fit, away, gap = fits(g, c, time)
    if fit == 'join' or fit == 'late' then
      if g.machine then return {c = c, rule = fit == 'late' and 'late' or rule, apart = away, gap = gap} end
      suggested = c.id
    elseif fit ~= 'no' and not link then
      link = {c = c, rule = fit, apart = away, gap = gap}
    end
    return nil
  end
  local found = g.machine and g.hint ~= '' and try(g.hint, 'same_source') or nil
  if not found and g.machine then
    for id in string.gmatch(mark.cases, '[^,]+') do
      found = id ~= g.hint and try(id, 'same_source') or nil
      if found then break end
    end
  end
  if not found and g.identity ~= '' then
    local id = call('GET', prefix .. 'identity:' .. g.rule.family .. ':' .. g.identity)
    found = id and try(id, 'same_' .. match(g.identity, '^[^:]+'))
  end
  if found or not g.rule.by_place or not g.known then return found, link, suggested end
  local perhaps
  found, link, perhaps = by_place(g, time, link)
  return found, link, suggested or perhaps
end

local function read_mark(text)
  if not text then return {offset = -1, newest = -1, cases = '', keys = ''} end
  local offset, newest, rest = unpacked(MARK, text)
  local of, cases, keys = match(text, '^([^|]*)|([^|]*)|(.*)$', rest)
  return {offset = of == topic and offset or -1, newest = newest, cases = cases, keys = keys}
end

-- The keys of the group's reports from one to another.
local function key_of(g, from, to)
  return sub(ARGV[g.at + 2], 8 * g.many + 4 * from - 3, 8 * g.many + 4 * to)
end

local function knows(keys, key)
  for at = 1, #keys, 4 do
    if sub(keys, at, at + 3) == key then return true end
  end
  return false
end

-- What of the group is not yet applied, and what of that is a resend; `at` is the first report that is not applied.
local function sorted(g, mark)
  local opener = g.new ~= '' and g.from > mark.offset and call('EXISTS', prefix .. 'case:' .. g.new) == 1
  if g.from > mark.offset and not opener and g.first > mark.newest then
    return {many = g.many, offsets = ARGV[g.at + 1], to = g.to, start = g.start, first = g.first, last = g.last, at = 1, newest = g.last}
  end
  local offsets, text = decode(ARGV[g.at + 1]), ARGV[g.at + 2]
  local fresh, resent, new = {}, {}, {many = 0, newest = mark.newest}
  for at, offset in ipairs(offsets) do
    if offset > mark.offset then
      local time = unpacked('<d', text, 8 * at - 7)
      new.at = new.at or at
      new.newest = max(new.newest, time)
      if (at == 1 and opener) or (time <= mark.newest and knows(mark.keys, key_of(g, at, at))) then
        resent[#resent + 1] = format('%d', offset)
      else
        fresh[#fresh + 1] = format('%d', offset)
        new.start, new.begins, new.to = new.start or time, new.begins or at, offset
        new.first, new.last = min(new.first or time, time), max(new.last or time, time)
      end
    end
  end
  new.many, new.later = #fresh, new.begins and new.begins > 1
  new.offsets, new.resent = '[' .. concat(fresh, ',') .. ']', #resent > 0 and '[' .. concat(resent, ',') .. ']'
  return new
end

-- Whether some report of the group might be judged otherwise than its first one: then each is sifted by itself.
local function mixed(g, found, new)
  if new.many == 1 then return false end
  if g.hint ~= '' and found.c.id ~= g.hint then return true end
  if found.rule == 'late' and new.last > found.c.handled then return true end
  return g.hint == '' and g.identity == '' and found.apart + g.spread > g.rule.radius
end

-- Makes room for `new` in a crowded cell.
local function thin(key, new)
  local id, rank, last
  local entries = call('HGETALL', key)
  for at = 1, #entries, 2 do
    if entries[at] ~= new then
      local tight, stands = unpacked(ENTRY, entries[at + 1])
      local seen = call('HGET', prefix .. 'case:' .. entries[at], 'seen')
      local its = seen and unpacked('<d', seen, 9) or -1
      local value = (not seen or stands > 0) and 0 or 1 + tight
      if not id or value < rank or (value == rank and (its < last or (its == last and entries[at] < id))) then
        id, rank, last = entries[at], value, its
      end
    end
  end
  call('HDEL', key, id)
end

local function open(g, link, suggested, time)
  local rule = g.rule
  local refused = link and link.rule == 'refused'
  local held = g.held or refused
  local why = held and ',"held":"' .. (refused and 'refused_before' or 'waiting') .. '"' or ''
  if link and not refused then why = why .. ',"link":["' .. link.rule .. '","' .. link.c.id .. '"]' end
  if suggested then why = why .. ',"suggested":"' .. suggested .. '"' end
  local opening = '{"opening":' .. ARGV[g.at + 3] .. why .. '}'
  local state, key = held and 'held' or 'reported', ''
  if rule.by_place and g.known then
    key = format('%s%d:%d', rule.cells, floor(g.x / rule.edge), floor(g.y / rule.edge))
    call('HSET', key, g.new, packed(ENTRY, g.tight and 1 or 0, 0, g.x, g.y, 0) .. g.identity)
  end
  local thing = packed(THING, g.x, g.y, g.known and 1 or 0, g.tight and 1 or 0) .. rule.family .. '|' .. g.identity
  call('HSET', prefix .. 'case:' .. g.new, 'thing', thing, 'state', state, 'handled', '', 'ended', '', 'into', '', 'cell', key,
    'opening', opening)
  if key ~= '' and call('HLEN', key) > CROWD then thin(key, g.new) end
  if g.identity ~= '' then call('SET', prefix .. 'identity:' .. rule.family .. ':' .. g.identity, g.new, 'EX', EIGHT_DAYS) end
  return {id = g.new, x = g.x, y = g.y, first = time, last = time, urgent = g.urgent, state = state, count = 0, told_count = 0,
    told_last = time, after = 0, sources = 0, cursor = 0, fresh = opening}, held and 'held' or 'opened'
end

-- Totals of a case's sources: all, or of very many the next page.
local function page_of(c)
  local seen = prefix .. 'seen:' .. c.id
  if c.sources <= PAGE then return call('HGETALL', seen) end
  local page = call('HSCAN', seen, format('%d', c.cursor), 'COUNT', PAGE)
  c.cursor = tonumber(page[1])
  return page[2]
end

-- Puts what a person would notice among the sights: this source's totals, and at the case's first sight in this call a page of the others'.
local function tell(g, c, total, verdict)
  local sight = told[c.id]
  if not sight then
    sight = {case = c.id, totals = {}, opens = c.fresh or call('HGET', prefix .. 'case:' .. c.id, 'opening')}
    told[c.id], sights[#sights + 1] = sight, sight
    local page = c.sources > 1 and page_of(c) or {}
    for at = 1, #page, 2 do
      if page[at] ~= g.source then sight.totals[#sight.totals + 1] = quoted(page[at]) .. ',"' .. page[at + 1] .. '"' end
    end
  end
  sight.totals[#sight.totals + 1] = quoted(g.source) .. ',"' .. total .. '"'
  if ARGV[g.at + 3] ~= '' and verdict == 'merged' then
    sight.more = sight.more or {}
    if #sight.more < MORE then sight.more[#sight.more + 1] = ARGV[g.at + 3] end
  end
  sight.urgent = c.urgent
end

local function count(g, c, new, verdict)
  local seen = prefix .. 'seen:' .. c.id
  local before = call('HGET', seen, g.source)
  local many, first, last = new.many, new.first, new.last
  if before then
    local n, f, l = match(before, '^(%d+)|(%-?%d+)|(%-?%d+)')
    many, first, last = many + n, min(first, tonumber(f)), max(last, tonumber(l))
  else
    c.sources = c.sources + 1
  end
  local total = format('%d|%d|%d|%s|%s|%d', many, first, last, topic, partition, new.to)
  call('HSET', seen, g.source, total)
  c.first, c.last, c.count = min(c.first, new.first), max(c.last, new.last), c.count + new.many
  local after = c.handled and new.last > c.handled and c.after == 0
  local notable = c.fresh or not before or g.notable or after or g.urgent < c.urgent or c.count >= 2 * c.told_count
    or c.last - c.told_last > g.rule.window / 4
  c.urgent = min(c.urgent, g.urgent)
  if notable then
    c.told_count, c.told_last = c.count, c.last
    if after then c.after = 1 end
    tell(g, c, total, verdict)
  end
  call('HSET', prefix .. 'case:' .. c.id, 'seen',
    packed(SEEN, c.first, c.last, c.urgent, c.count, c.told_count, c.told_last, c.after, c.sources, c.cursor))
end

local function fate(case, verdict, rule, away, gap, offsets, held)
  fates[#fates + 1] = format('["%s","%s","%s",%d,%d,', case, verdict, rule, away, gap) .. offsets .. (held or '') .. ']'
end

local function learn(verdict, c)
  learned[#learned + 1] = format('["%s","%s",%d,%d,%d,%d,%d]', verdict, c.id, c.x, c.y, c.first, c.last, c.urgent)
end

local function known(g, mark)
  for id in string.gmatch(mark.cases, '[^,]+') do
    local c = load(id)
    if c and c.family == g.rule.family then return learn('already', c) end
  end
  learned[#learned + 1] = '["already"]'
end

local function remember(g, mark, new, key, case)
  local cases = mark.cases
  if case and match(cases, '^[^,]*') ~= case then
    local kept = {case}
    for id in string.gmatch(cases, '[^,]+') do
      if id ~= case and #kept < CASES then kept[#kept + 1] = id end
    end
    cases = concat(kept, ',')
  end
  local keys = sub(mark.keys .. key_of(g, new.at, g.many), -4 * RECENT)
  call('SET', key, packed(MARK, g.to, new.newest) .. topic .. '|' .. cases .. '|' .. keys, 'EX', EIGHT_DAYS)
end

local function sift(g)
  local key = prefix .. 'mark:' .. partition .. ':' .. g.source
  local mark = read_mark(call('GET', key))
  local new = sorted(g, mark)
  if not new.at then return known(g, mark) end
  local found, link, suggested, c, verdict
  if new.many > 0 then
    local bare = ARGV[g.at + 3] == ''
    -- Without its case's id a report that is not the newest of its source cannot be told from a resend of the one that opened.
    local unsure = bare and g.hint == '' and new.start <= mark.newest
    if not unsure then found, link, suggested = find(g, mark, new.start) end
    if unsure or (found and mixed(g, found, new)) or (not found and (bare or new.later)) then
      stick(g)
      learned[#learned + 1] = '["again"]'
      return
    end
    -- Decided; from here on only writes.
    if found then c, verdict = found.c, 'merged' else c, verdict = open(g, link, suggested, new.start) end
    local why = found or link or {rule = verdict, apart = 0, gap = 0}
    if verdict == 'merged' then
      local held = c.state == 'held' and format(',%d,%d', c.count + new.many, g.rule.confirm)
      fate(c.id, verdict, why.rule, why.apart, why.gap, new.offsets, held)
    else
      local first, others = match(new.offsets, '^%[(%d+),?(.*)%]$')
      fate(c.id, verdict, why.rule, why.apart, why.gap, '[' .. first .. ']')
      if others ~= '' then fate(c.id, 'merged', 'same_source', 0, new.last - new.first, '[' .. others .. ']') end
    end
    count(g, c, new, verdict)
    learn(verdict, c)
  else
    known(g, mark)
  end
  if new.resent then fates[#fates + 1] = '[null,"resent","resent",0,0,' .. new.resent .. ']' end
  remember(g, mark, new, key, c and c.id)
end

local function answer(at)
  local g = read(at)
  if stuck.any and waits(g) then
    stick(g)
    learned[#learned + 1] = '["later"]'
  else
    sift(g)
  end
  return 1 + g.many / 50
end

call('SET', prefix .. 'writable', '1') -- out of memory, read-only: refused here, with nothing written, and not group by group
local until_us, work = clock() + budget, 0
for at = 8, #ARGV, 4 do
  if work >= 4 then
    if clock() > until_us then break end
    work = 0
  end
  local answers, says = #learned, #fates
  local worked, why = pcall(answer, at)
  work = work + (worked and why or 1)
  if not worked then
    while #learned > answers do table.remove(learned) end
    while #fates > says do table.remove(fates) end
    learned[answers + 1] = '["failed",' .. encode(tostring(type(why) == 'table' and why.err or why)) .. ']'
  end
end

if KEYS[3] ~= '' and ARGV[4] ~= '' then
  local high = tonumber(call('HGET', KEYS[3], partition) or '')
  if not high or tonumber(ARGV[4]) > high then call('HSET', KEYS[3], partition, ARGV[4]) end
end
local entry, outcome = '', ''
if #fates > 0 then
  local said = {'{"topic":"', topic, '","partition":', partition, ',"rules":', quoted(ARGV[5]), ',"fates":[', concat(fates, ','), '],"sights":['}
  local function say(...)
    for _, text in ipairs({...}) do said[#said + 1] = text end
  end
  for at, sight in ipairs(sights) do
    say(at > 1 and ',{"case":"' or '{"case":"', sight.case, '","urgent":', sight.urgent, ',"totals":[', concat(sight.totals, ','), ']')
    if sight.opens then say(',"opens":', sight.opens) end
    if sight.more then say(',"more":[', concat(sight.more, ','), ']') end
    say('}')
  end
  say(']}')
  outcome = concat(said)
  entry = call('XADD', prefix .. 'outbox:' .. partition, '*', 'o', outcome)
end
return {entry, outcome, '[' .. concat(learned, ',') .. ']', call('XLEN', prefix .. 'outbox:' .. partition)}
