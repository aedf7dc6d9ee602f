-- What the atomic call keeps, and how it reads and writes it: the first half of the script, sift.lua is the second.
--
-- <prefix>case:<id>       CASE, then state|handled|ended|into|cell|family|identity, then the totals of its sources as long as these are FEW,
--                         each TOTAL, topic and source, and the length of all these, 4 bytes; dropped when closure forgets the case. Closure
--                         (case_moves.lua) writes state to into; cell is the key of the place index that holds it, or ""
-- <prefix>opening:<id>    the partition that opened the case, then what opens it, said with its first sight and with those of other partitions
--                         until closure knows the case and drops it: partitions publish side by side, so a sighting from another one may
--                         reach closure before the report that opened
-- <prefix>seen:<id>       of more sources the totals, hash: source -> count|first|last|topic|partition|offset; dropped with the case
-- <prefix>marks:<p>:<generation>  hash: source -> MARK, then topic|cases, the last first|keys of its last reports, 4 bytes each: all of the
--                         source up to offset is applied. A generation is eight days; a mark moves to the present one when it is written,
--                         and the one before the last is dropped
-- <prefix>identity:<family>:<identity>  case id; 8 days
-- <prefix>place:<family>:<edge>:<column>:<row>  hash: case id -> ENTRY, then case id|identity; at most CROWD; of more, a quarter leaves: the ended
--                         first, then the inexact, then the least lately seen. Closure moves `stands` and `handled`, and takes out what it forgets
-- <prefix>outbox:<p>      stream of outcomes that nobody has published yet
--
-- Cases and marks are read for many groups at once, and written once, when the call ends.

local prefix, partition, topic = KEYS[2], ARGV[2], ARGV[3]
local CM = 1.1119508023353298
local EIGHT_DAYS, RECENT, CASES, CROWD, PAGE, MORE, FEW = 691200, 16, 4, 64, 64, 8, 3
local CASE = '<ddBI4I4dBI4I4i4i4BB' -- first last · urgent · count · told: count, last, after the handling · sources · cursor · x y · known tight
local TOTAL = '<I4dddI4I4I4' -- count · first last · offset · partition · lengths of topic, source
local MARK = '<dd' -- offset · newest time
local ENTRY = '<i4i4BBd' -- x y · tight · stands: 0 open, 1 ended, 2 alias · handled or 0
local floor, sqrt, max, min = math.floor, math.sqrt, math.max, math.min
local call, decode, encode, tonumber, ipairs = redis.call, cjson.decode, cjson.encode, tonumber, ipairs
local match, sub, format, concat, packed, unpacked = string.match, string.sub, string.format, table.concat, struct.pack, struct.unpack

-- A JSON string.
local function quoted(text)
  return string.find(text, '[%c"\\]') and encode(text) or '"' .. text .. '"'
end

local function apart(g, x, y)
  local east, north = (g.x - x) * CM * g.cos / 1000000, (g.y - y) * CM
  return floor(sqrt(east * east + north * north))
end

-- Cases

local cases = {} -- as they stand in this call; false: there is none
local changed = {}

local function parsed(id, text)
  if not text then return false end
  local first, last, urgent, count, told_count, told_last, after, sources, cursor, x, y, known, tight, next = unpacked(CASE, text)
  local totals = #text - 3 - unpacked('<I4', text, #text - 3)
  local rest = sub(text, next, totals - 1)
  local state, handled, ended, into, family, identity = match(rest, '^([^|]*)|([^|]*)|([^|]*)|([^|]*)|[^|]*|([^|]*)|(.*)$')
  return {id = id, first = first, last = last, urgent = urgent, count = count, told_count = told_count, told_last = told_last, after = after,
    sources = sources, cursor = cursor, x = x, y = y, known = known, tight = tight, state = state, handled = tonumber(handled),
    ended = tonumber(ended), into = into, family = family, identity = identity, rest = rest, totals = sub(text, totals, -5)}
end

-- Reads these cases in one go.
local function fetch(ids)
  if #ids == 0 then return end
  local keys = {}
  for at, id in ipairs(ids) do keys[at] = prefix .. 'case:' .. id end
  for at, text in ipairs(call('MGET', unpack(keys))) do cases[ids[at]] = parsed(ids[at], text) end
end

-- The case, behind at most five aliases.
local function load(id)
  for _ = 1, 5 do
    if cases[id] == nil then fetch({id}) end
    local c = cases[id]
    if not c or c.into == '' then return c or nil end
    id = c.into
  end
  return nil
end

local function write_cases()
  local pairs_of = {}
  for _, c in ipairs(changed) do
    pairs_of[#pairs_of + 1] = prefix .. 'case:' .. c.id
    pairs_of[#pairs_of + 1] = packed(CASE, c.first, c.last, c.urgent, c.count, c.told_count, c.told_last, c.after, c.sources, c.cursor,
      c.x, c.y, c.known, c.tight) .. c.rest .. c.totals .. packed('<I4', #c.totals)
  end
  if #pairs_of > 0 then call('MSET', unpack(pairs_of)) end
end

-- Totals of a case's sources

local function text_of(count, first, last, topic, partition, offset)
  return format('%d|%d|%d|%s|%d|%d', count, first, last, topic, partition, offset)
end

-- The one of a source that stands with the case: count, first, last, where it begins, and where the next does; nil when there is none.
local function total_of(c, source)
  local totals, at = c.totals, 1
  while at <= #totals do
    local count, first, last, _, _, of, length, next = unpacked(TOTAL, totals, at)
    local behind = next + of + length
    if sub(totals, next + of, behind - 1) == source then return count, first, last, at, behind end
    at = behind
  end
  return nil
end

-- All that stand with the case: source, text, source, text, …
local function totals_of(c)
  local totals, at, all = c.totals, 1, {}
  while at <= #totals do
    local count, first, last, offset, by, of, length, next = unpacked(TOTAL, totals, at)
    at = next + of + length
    all[#all + 1] = sub(totals, next + of, at - 1)
    all[#all + 1] = text_of(count, first, last, sub(totals, next, next + of - 1), by, offset)
  end
  return all
end

local function seen_by(c)
  return prefix .. 'seen:' .. c.id
end

local function was_seen_by(c, source)
  if c.sources <= FEW then return total_of(c, source) ~= nil end
  return call('HEXISTS', seen_by(c), source) == 1
end

-- Adds a source's reports, the last of them at `offset`; returns count, first and last of its total, and whether the source is new to the case.
local function add_total(c, source, many, first, last, offset)
  local few, n, f, l, at, behind = c.sources <= FEW
  if few then
    n, f, l, at, behind = total_of(c, source)
  else
    n, f, l = match(call('HGET', seen_by(c), source) or '', '^(%d+)|(%-?%d+)|(%-?%d+)')
  end
  if n then
    many, first, last = many + n, min(first, tonumber(f)), max(last, tonumber(l))
  else
    c.sources = c.sources + 1
    if few and c.sources > FEW then
      call('HSET', seen_by(c), unpack(totals_of(c)))
      c.totals, few = '', false
    end
  end
  if few then
    local before, after = n and sub(c.totals, 1, at - 1) or c.totals, n and sub(c.totals, behind) or ''
    c.totals = before .. packed(TOTAL, many, first, last, offset, partition, #topic, #source) .. topic .. source .. after
  else
    call('HSET', seen_by(c), source, text_of(many, first, last, topic, partition, offset))
  end
  return many, first, last, not n
end

-- Totals of a case's sources: all, or of very many the next page.
local function page_of(c)
  if c.sources <= FEW then return totals_of(c) end
  if c.sources <= PAGE then return call('HGETALL', seen_by(c)) end
  local page = call('HSCAN', seen_by(c), format('%d', c.cursor), 'COUNT', PAGE)
  c.cursor = tonumber(page[1])
  return page[2]
end

-- Marks

local now = call('TIME')
local generation = floor(now[1] / EIGHT_DAYS)
local marks, marked = {}, {}

local function marks_of(age)
  return prefix .. 'marks:' .. partition .. ':' .. generation - age
end

-- Reads the marks of these sources in one go.
local function remind(sources)
  for age = 0, 1 do
    if #sources == 0 then return end
    local missing = {}
    for at, text in ipairs(call('HMGET', marks_of(age), unpack(sources))) do
      if text then
        local offset, newest, rest = unpacked(MARK, text)
        local of, its, keys = match(text, '^([^|]*)|([^|]*)|(.*)$', rest)
        marks[sources[at]] = {offset = of == topic and offset or -1, newest = newest, cases = its, keys = keys}
      else
        missing[#missing + 1] = sources[at]
      end
    end
    sources = missing
  end
  for _, source in ipairs(sources) do marks[source] = {offset = -1, newest = -1, cases = '', keys = ''} end
end

local function write_marks()
  local pairs_of = {}
  for source in pairs(marked) do
    local mark = marks[source]
    pairs_of[#pairs_of + 1] = source
    pairs_of[#pairs_of + 1] = packed(MARK, mark.offset, mark.newest) .. topic .. '|' .. mark.cases .. '|' .. mark.keys
  end
  if #pairs_of == 0 then return end
  call('HSET', marks_of(0), unpack(pairs_of))
  call('UNLINK', marks_of(2))
end

-- Places

local function cell_at(rule, x, y)
  return format('%s%d:%d', rule.cells, floor(x / rule.edge), floor(y / rule.edge))
end

-- What is indexed within the radius and may be the same thing, in no order.
local function around(g)
  local rule, found, cells, x0, y0 = g.rule, {}, {}, g.x, g.y
  local north = rule.radius / CM + 2
  local east = north * 1000000 / g.cos
  for column = floor((g.x - east) / rule.edge), floor((g.x + east) / rule.edge) do
    for row = floor((g.y - north) / rule.edge), floor((g.y + north) / rule.edge) do
      cells[#cells + 1] = format('%s%d:%d', rule.cells, column, row)
    end
  end
  if call('EXISTS', unpack(cells)) == 0 then return found end
  for _, key in ipairs(cells) do
    for _, text in ipairs(call('HVALS', key)) do
      local x, y = unpacked('<i4i4', text)
      if x - x0 <= east and x0 - x <= east and y - y0 <= north and y0 - y <= north then
        local away = apart(g, x, y)
        local _, _, tight, stands, handled, rest = unpacked(ENTRY, text)
        if away <= rule.radius and stands < 2 then
          local id, identity = match(text, '^([^|]*)|(.*)$', rest)
          if g.identity == '' or identity == '' or identity == g.identity then
            found[#found + 1] = {id = id, away = away, tight = tight, ended = stands == 1, handled = handled}
          end
        end
      end
    end
  end
  return found
end

-- Makes room in a crowded cell, for the new case and some to come.
local function thin(key, new)
  local entries, unknown, all, gone = call('HGETALL', key), {}, {}, {}
  for at = 1, #entries, 2 do
    if cases[entries[at]] == nil and entries[at] ~= new then unknown[#unknown + 1] = entries[at] end
  end
  fetch(unknown)
  for at = 1, #entries, 2 do
    local id = entries[at]
    if id ~= new then
      local _, _, tight, stands = unpacked(ENTRY, entries[at + 1])
      local c = cases[id]
      all[#all + 1] = {id = id, rank = (not c or stands > 0) and 0 or 1 + tight, last = c and c.last or -1}
    end
  end
  table.sort(all, function(a, b)
    if a.rank ~= b.rank then return a.rank < b.rank end
    return a.last < b.last or (a.last == b.last and a.id < b.id)
  end)
  for at = 1, CROWD / 4 do gone[at] = all[at].id end
  call('HDEL', key, unpack(gone))
end

local function index(g)
  local key = cell_at(g.rule, g.x, g.y)
  call('HSET', key, g.new, packed(ENTRY, g.x, g.y, g.tight, 0, 0) .. g.new .. '|' .. g.identity)
  if call('HLEN', key) > CROWD then thin(key, g.new) end
  return key
end
