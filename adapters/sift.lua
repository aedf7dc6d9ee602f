-- The atomic call of intake: for each group of one partition, in order, does it belong to a known case or does it open one?
-- The same rule as a pure function, and the meaning of every number: incidents/steps/sifting.py. Contract: tests/adapters/test_sift.py.
-- What is kept, and how: sift_kept.lua, which stands before this.
--
-- KEYS[2] prefix of sift's keys · KEYS[3] hash of the events clock, or ""
-- ARGV[2] partition · [3] topic id · [4] highest event time of the batch (ms) · [5] version of the rules · [6] µs that may be spent
-- ARGV[7] an entry of the outbox that is published by now, or "" · [8] one that is being published, or ""
-- ARGV[9] the rules, [[family, radius, window, span, recurs, quiet, by place, confirm, edge], …]
-- ARGV[10..] two per group: the group (GROUP, then its times, 8 bytes each, its keys, 4 bytes each, its strings, and its offsets, a JSON array)
--   · its opening, a JSON object, or ""
--
-- Returns {entry id or "", outcome JSON, [[verdict, case, x, y, first, last, urgent], …] JSON, entries in the outbox beside its own and [8]}:
-- these are others' and come first. A group without opening that joined the case its hint names is answered `merged` alone, for there is
-- nothing to learn. Groups beyond the list are answered `later`: the time was up. A group is answered `again` when it must
-- open a case but brought no opening for its first fresh report, or when its reports might not all be judged like the first: it comes again,
-- split into single reports. Every later group of its source or near it in this call is answered `later`, so that a source, and what may be
-- one case, stays strictly in order. Nothing is written for either.

-- rule · x y cos · known tight machine held notable · urgent · spread · reports · first and last offset · time of the first report, earliest,
-- latest · lengths of source, identity, hint, new id
local GROUP = '<I2i4i4I4BBBBBBdI4dddddI4I4BB'
local HEAD = struct.size(GROUP)
local AT_ONCE = 50
local fates, sights, learned = {}, {}, {}
local told = {}
local stuck = {sources = {}, things = {}, places = {}, wide = {}}
local rules, reach_of = {}, {}

for number, r in ipairs(decode(ARGV[9])) do
  rules[number - 1] = {family = r[1], radius = r[2], window = r[3], span = r[4], recurs = r[5], quiet = r[6], by_place = r[7] == 1,
    confirm = r[8], edge = r[9], cells = format('%splace:%s:%d:', prefix, r[1], r[9])}
  reach_of[r[1]] = max(reach_of[r[1]] or 0, r[2])
end

local function read(arg)
  local text = ARGV[arg]
  local rule, x, y, cos, known, tight, machine, held, notable, urgent, spread, many, from, to, start, first, last, source, identity, hint, new =
    unpacked(GROUP, text)
  local next = HEAD + 12 * many + 1
  local g = {arg = arg, rule = rules[rule], x = x, y = y, cos = cos, known = known, tight = tight, machine = machine == 1, held = held == 1,
    notable = notable == 1, urgent = urgent, spread = spread, many = many, from = from, to = to, start = start, first = first, last = last,
    source = sub(text, next, next + source - 1), identity = '', hint = '', new = '', opening = ARGV[arg + 1], at = 1, newest = last}
  g.placed = known == 1 and g.rule.by_place
  next = next + source
  if identity > 0 then g.identity = sub(text, next, next + identity - 1) end
  next = next + identity
  if hint > 0 then g.hint = sub(text, next, next + hint - 1) end
  next = next + hint
  if new > 0 then g.new = sub(text, next, next + new - 1) end
  g.offsets = sub(text, next + new)
  return g
end

local function fits(g, c, time)
  local rule = g.rule
  local gap = max(0, time - c.last, c.first - time)
  local away = apart(g, c.x, c.y)
  if rule.family ~= c.family then return 'no', away, gap end
  if g.identity ~= '' and c.identity ~= '' then
    if g.identity ~= c.identity then return 'no', away, gap end
  elseif not g.placed or c.known ~= 1 or away > rule.radius then
    return 'no', away, gap
  end
  if c.state == 'not_filed' or c.state == 'void' then
    if g.machine and g.urgent > 0 and c.ended and time - c.ended <= rule.quiet and was_seen_by(c, g.source) then
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
  return format('%s:%d:%d', g.rule.family, floor(g.x / edge / 4) + east, floor(g.y / edge) + north)
end

local function stick(g)
  stuck.any = true
  stuck.sources[g.source] = true
  if g.identity ~= '' then stuck.things[g.rule.family .. ':' .. g.identity] = true end
  if not g.placed then return end
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
  if not g.placed then return false end
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

local function nearer(a, b)
  return a.away < b.away or (a.away == b.away and a.id < b.id)
end

-- The case at the place that a machine's report joins; or the nearest link and the nearest that it might be, as far as there is none yet.
-- Only what can still change that is looked at; mostly the nearest settles it, so that only what is left then is put in order.
local function by_place(g, time, link)
  local entries, suggested = around(g), nil
  local function matters(entry)
    local tight = g.tight == 1 and entry.tight == 1
    local open = not entry.ended or time <= entry.handled
    return (g.machine and tight and open) or (not link and (g.machine or tight) and (entry.ended or g.rule.span > 0)) or (not suggested and open)
  end
  local function look(entry)
    local c = load(entry.id)
    if not c or c.id ~= entry.id then return nil end
    local tight = g.tight == 1 and c.tight == 1
    local fit, away, gap = fits(g, c, time)
    if fit == 'join' or fit == 'late' then
      if g.machine and tight then return {c = c, rule = fit == 'late' and 'late' or 'same_place', apart = away, gap = gap} end
      suggested = suggested or c.id
    elseif fit ~= 'no' and not link and (g.machine or tight) then
      link = {c = c, rule = fit, apart = away, gap = gap}
    end
    return nil
  end
  local first
  for _, entry in ipairs(entries) do
    if matters(entry) and (not first or nearer(entry, first)) then first = entry end
  end
  local found, left = first and look(first), {}
  for _, entry in ipairs(found and {} or entries) do
    if entry ~= first and matters(entry) then left[#left + 1] = entry end
  end
  if #left > 1 then table.sort(left, nearer) end
  for _, entry in ipairs(left) do
    found = matters(entry) and look(entry)
    if found then break end
  end
  return found or nil, link, suggested
end

-- The case that the group joins, or the first link (recurred, refused, series) and suggestion for the case that it opens.
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
    found = id and try(id, 'same_' .. match(g.identity, '^[^:]+')) or nil
  end
  if found or not g.placed then return found, link, suggested end
  local perhaps
  found, link, perhaps = by_place(g, time, link)
  return found, link, suggested or perhaps
end

-- The keys of the group's reports from one to another.
local function keys_of(g, from, to)
  local before = HEAD + 8 * g.many
  return sub(ARGV[g.arg], before + 4 * from - 3, before + 4 * to)
end

local function knows(keys, key)
  for at = 1, #keys, 4 do
    if sub(keys, at, at + 3) == key then return true end
  end
  return false
end

-- What of the group is not yet applied: the group itself, or a part. `at` is the first report that is not applied, `offsets` to `last` are of
-- those that are no resends, `later` says that the first of these is not the group's first.
local function sorted(g, mark)
  local opener = g.new ~= '' and g.from > mark.offset and cases[g.new]
  if g.from > mark.offset and not opener and g.first > mark.newest then return g end
  local text = ARGV[g.arg]
  local fresh, resent, new = {}, {}, {newest = mark.newest}
  for at, offset in ipairs(decode(g.offsets)) do
    if offset > mark.offset then
      local time = unpacked('<d', text, HEAD + 8 * at - 7)
      new.at = new.at or at
      new.newest = max(new.newest, time)
      if (at == 1 and opener) or (time <= mark.newest and knows(mark.keys, keys_of(g, at, at))) then
        resent[#resent + 1] = format('%d', offset)
      else
        fresh[#fresh + 1] = format('%d', offset)
        if not new.start then new.start, new.later = time, at > 1 end
        new.to, new.first, new.last = offset, min(new.first or time, time), max(new.last or time, time)
      end
    end
  end
  new.many, new.offsets = #fresh, '[' .. concat(fresh, ',') .. ']'
  new.resent = #resent > 0 and '[' .. concat(resent, ',') .. ']'
  return new
end

-- Whether some report of the group might be judged otherwise than its first one: then each is sifted by itself.
local function mixed(g, found, new)
  if new.many == 1 then return false end
  if g.hint ~= '' and found.c.id ~= g.hint then return true end
  local handled = found.c.handled
  if handled and new.first <= handled and new.last > handled then return true end
  return g.hint == '' and g.identity == '' and found.apart + g.spread > g.rule.radius
end

local function open(g, link, suggested, time)
  local refused = link and link.rule == 'refused'
  local held = g.held or refused
  local why = held and ',"held":"' .. (refused and 'refused_before' or 'waiting') .. '"' or ''
  if link and not refused then why = why .. ',"link":["' .. link.rule .. '","' .. link.c.id .. '"]' end
  if suggested then why = why .. ',"suggested":"' .. suggested .. '"' end
  local opening, family, state = '{"opening":' .. g.opening .. why .. '}', g.rule.family, held and 'held' or 'reported'
  call('SET', prefix .. 'opening:' .. g.new, partition .. ' ' .. opening)
  if g.identity ~= '' then call('SET', prefix .. 'identity:' .. family .. ':' .. g.identity, g.new, 'EX', EIGHT_DAYS) end
  local cell = g.placed and index(g) or ''
  local c = {id = g.new, first = time, last = time, urgent = g.urgent, count = 0, told_count = 0, told_last = time, after = 0, sources = 0,
    cursor = 0, x = g.x, y = g.y, known = g.known, tight = g.tight, state = state, into = '', family = family, identity = g.identity,
    rest = state .. '||||' .. cell .. '|' .. family .. '|' .. g.identity, totals = '', opening = opening}
  cases[g.new] = c
  return c, held and 'held' or 'opened'
end

-- What opens the case, said with its first sight, and until closure knows it with those of other partitions: these are not published in order.
local function opening_of(c)
  if c.opening then return c.opening end
  local by, opening = match(call('GET', prefix .. 'opening:' .. c.id) or '', '^(%d+) (.*)$')
  return by ~= partition and opening or nil
end

-- Puts what a person would notice among the sights: this source's totals, and at the case's first sight in this call those of others.
local function tell(g, c, total, verdict)
  local sight = told[c.id]
  if not sight then
    sight = {case = c.id, totals = {}, opens = opening_of(c)}
    told[c.id], sights[#sights + 1] = sight, sight
    local page = c.sources > 1 and page_of(c) or {}
    for at = 1, #page, 2 do
      if page[at] ~= g.source then sight.totals[#sight.totals + 1] = quoted(page[at]) .. ',"' .. page[at + 1] .. '"' end
    end
  end
  sight.totals[#sight.totals + 1] = quoted(g.source) .. ',"' .. total .. '"'
  if g.opening ~= '' and verdict == 'merged' then
    sight.more = sight.more or {}
    if #sight.more < MORE then sight.more[#sight.more + 1] = g.opening end
  end
  sight.urgent = c.urgent
end

local function count(g, c, new, verdict)
  local many, first, last, added = add_total(c, g.source, new.many, new.first, new.last, new.to)
  c.first, c.last, c.count = min(c.first, new.first), max(c.last, new.last), c.count + new.many
  local after = c.handled and new.last > c.handled and c.after == 0
  local notable = verdict ~= 'merged' or added or g.notable or after or g.urgent < c.urgent or c.count >= 2 * c.told_count
    or c.last - c.told_last > g.rule.window / 4
  c.urgent = min(c.urgent, g.urgent)
  if notable then
    c.told_count, c.told_last = c.count, c.last
    if after then c.after = 1 end
    tell(g, c, text_of(many, first, last, topic, partition, new.to), verdict)
  end
  if not c.changed then
    c.changed, changed[#changed + 1] = true, c
  end
end

local function fate(case, verdict, rule, away, gap, offsets, held)
  fates[#fates + 1] = '["' .. case .. '","' .. verdict .. '","' .. rule .. '",' .. away .. ',' .. gap .. ',' .. offsets .. (held or '') .. ']'
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

local function remember(g, mark, new, case)
  mark.offset, mark.newest, mark.keys = g.to, new.newest, sub(mark.keys .. keys_of(g, new.at, g.many), -4 * RECENT)
  if case and mark.cases ~= case and match(mark.cases, '^[^,]*') ~= case then
    local kept = {case}
    for id in string.gmatch(mark.cases, '[^,]+') do
      if id ~= case and #kept < CASES then kept[#kept + 1] = id end
    end
    mark.cases = concat(kept, ',')
  end
  marked[g.source] = true
end

local function sift(g)
  local mark = marks[g.source]
  local new = sorted(g, mark)
  if not new.at then return known(g, mark) end
  local found, link, suggested, c, verdict
  if new.many > 0 then
    local bare = g.opening == ''
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
    if found then
      fate(c.id, verdict, why.rule, why.apart, why.gap, new.offsets, c.state == 'held' and format(',%d,%d', c.count + new.many, g.rule.confirm))
    else
      local first, others = match(new.offsets, '^%[(%d+),?(.*)%]$')
      fate(c.id, verdict, why.rule, why.apart, why.gap, '[' .. first .. ']')
      if others ~= '' then fate(c.id, 'merged', 'same_source', 0, new.last - new.first, '[' .. others .. ']') end
    end
    count(g, c, new, verdict)
    if bare and c.id == g.hint then learned[#learned + 1] = '["merged"]' else learn(verdict, c) end
  else
    known(g, mark)
  end
  if new.resent then fates[#fates + 1] = '[null,"resent","resent",0,0,' .. new.resent .. ']' end
  remember(g, mark, new, c and c.id)
end

local function answer(g)
  if stuck.any and waits(g) then
    stick(g)
    learned[#learned + 1] = '["later"]'
  else
    sift(g)
  end
end

-- Answers a group, whatever happens to it.
local function answered(g)
  local answers, says = #learned, #fates
  local worked, why = pcall(answer, g)
  if not worked then
    while #learned > answers do table.remove(learned) end
    while #fates > says do table.remove(fates) end
    learned[answers + 1] = '["failed",' .. encode(tostring(type(why) == 'table' and why.err or why)) .. ']'
  end
end

-- The next groups, with all that they are sure to ask for.
local function next_groups(from)
  local groups, sources, ids = {}, {}, {}
  for arg = from, min(from + 2 * AT_ONCE, #ARGV) - 1, 2 do
    local g = read(arg)
    groups[#groups + 1] = g
    if not marks[g.source] then
      marks[g.source], sources[#sources + 1] = true, g.source
    end
    if g.hint ~= '' and cases[g.hint] == nil then
      cases[g.hint], ids[#ids + 1] = false, g.hint
    end
    if g.new ~= '' and cases[g.new] == nil then
      cases[g.new], ids[#ids + 1] = false, g.new
    end
  end
  remind(sources)
  fetch(ids)
  return groups
end

local function until_time_is_up()
  local till, work = now[1] * 1000000 + now[2] + tonumber(ARGV[6]), 0
  for from = 10, #ARGV, 2 * AT_ONCE do
    for _, g in ipairs(next_groups(from)) do
      if work >= 4 then
        local at = call('TIME')
        if at[1] * 1000000 + at[2] > till then return end
        work = 0
      end
      answered(g)
      work = work + 1 + g.many / 50
    end
  end
end

-- Tells and keeps; what is told of a group is `fates`, of a case `sights`.
local function outcome()
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
  return concat(said)
end

call('SET', prefix .. 'writable', '1') -- out of memory, read-only: refused here, with nothing written, and not group by group
until_time_is_up()
write_cases()
write_marks()
if KEYS[3] ~= '' and ARGV[4] ~= '' then
  local high = tonumber(call('HGET', KEYS[3], partition) or '')
  if not high or tonumber(ARGV[4]) > high then call('HSET', KEYS[3], partition, ARGV[4]) end
end
local outbox, entry, said = prefix .. 'outbox:' .. partition, '', ''
if ARGV[7] ~= '' then call('XDEL', outbox, ARGV[7]) end
local others = call('XLEN', outbox)
if ARGV[8] ~= '' then others = others - #call('XRANGE', outbox, ARGV[8], ARGV[8]) end
if #fates > 0 then
  said = outcome()
  entry = call('XADD', outbox, '*', 'o', said)
end
return {entry, said, '[' .. concat(learned, ',') .. ']', others}
