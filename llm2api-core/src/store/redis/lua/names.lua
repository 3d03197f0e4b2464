-- Put before every script: the names of keys, and what several scripts share.
local VERSION, BEGIN = 'llm2api:version', 'llm2api:begin'
-- Hashes: a row each, who owns what must be unique, small values.
local ROW, OWNERS, VALUES = 'llm2api:row:', 'llm2api:owners', 'llm2api:values'
-- Sorted sets: ids of rows by their last change, and of those that are gone.
local CHANGED, REMOVED = 'llm2api:changed', 'llm2api:removed'
-- A hash of counters a series, and the names of all series.
local COUNTERS, SERIES = 'llm2api:counters:', 'llm2api:series'
-- Batches of counters that were added of late.
local BATCH = 'llm2api:batch:'
-- A hash of figures for each chunk of a series' points, and a sorted set of the chunks that a series
-- has, by their number.
local POINTS, CHUNKS = 'llm2api:points:', 'llm2api:chunks:'
-- Sorted sets: places held, by the end of their lease; calls of the last minute; servers.
local PLACES, MINUTE, SERVERS = 'llm2api:places:', 'llm2api:minute:', 'llm2api:servers'

-- A hash of entries a server, and a sorted set of these servers by the end of their lease.
local OUTBOX, OUTBOXES = 'llm2api:outbox:', 'llm2api:outboxes'

-- A hash a conversation, the set of its branches, and sorted sets of all, and of one owner's, by
-- their last use; a hash a branch; the conversation of a thread.
local CONVERSATION, CONVERSATION_BRANCHES = 'llm2api:conversation:', 'llm2api:conversation-branches:'
local CONVERSATIONS, CONVERSATIONS_OF = 'llm2api:conversations', 'llm2api:conversations-of:'
local BRANCH, THREAD = 'llm2api:branch:', 'llm2api:thread:'

-- A hash of texts a collection, and the version of each; the list of acts, the newest first.
local RECORDS, RECORDS_VERSION = 'llm2api:records:', 'llm2api:records-version:'
local AUDIT = 'llm2api:audit'

-- When a subject's minute is whole again, in microseconds since 1970; its tokens of a day.
local QUOTA_MINUTE, QUOTA_TOKENS = 'llm2api:quota-minute:', 'llm2api:quota-tokens:'

-- This server's clock, in milliseconds.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- This server's clock, in microseconds.
local function now_us()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- A number as Redis takes it: Lua would write a large one with an exponent.
local function whole(number)
  return string.format('%.0f', number)
end

-- Takes places back, which the arguments name from here on: id, holder, whether a call began.
local function take_back(from)
  for at = from, #ARGV, 3 do
    redis.call('ZREM', PLACES .. ARGV[at], ARGV[at + 1])
    if ARGV[at + 2] == '0' then
      redis.call('ZREM', MINUTE .. ARGV[at], ARGV[at + 1])
    end
  end
end

-- The next version. A history begins with the date, so that one that follows on a loss is ahead.
local function next_version()
  if redis.call('EXISTS', VERSION) == 0 then
    local begin = whole(now_us())
    redis.call('SET', VERSION, begin)
    redis.call('SET', BEGIN, begin)
  end
  return whole(redis.call('INCR', VERSION))
end

local function note_change(id)
  redis.call('ZADD', CHANGED, next_version(), id)
  redis.call('ZREM', REMOVED, id)
end

-- What only one row of an upstream may have: its secret, and its account where it has one.
local function unique(upstream, fingerprint, account)
  local place = #upstream .. ':' .. upstream .. ':'
  local names = { 'secret:' .. place .. fingerprint }
  if account then
    names[2] = 'account:' .. place .. account
  end
  return names
end

local function unique_of(id)
  local row = redis.call('HMGET', ROW .. id, 'upstream', 'fingerprint', 'account')
  return unique(row[1], row[2], row[3])
end

-- Remembers that a row is gone, so that nobody puts it back.
local function note_removal(id, remembered)
  redis.call('ZREM', CHANGED, id)
  redis.call('ZADD', REMOVED, next_version(), id)
  redis.call('ZREMRANGEBYRANK', REMOVED, 0, -1 - remembered)
end

-- The row, other than this one, that has one of these.
local function other_owner(id, names)
  for _, name in ipairs(names) do
    local owner = redis.call('HGET', OWNERS, name)
    if owner and owner ~= id then
      return owner
    end
  end
end

-- Writes a row's secret, and whose it is.
local function put(id, names, upstream, fingerprint, account, key, sealed)
  for _, name in ipairs(names) do
    redis.call('HSET', OWNERS, name, id)
  end
  redis.call('HSET', ROW .. id, 'upstream', upstream, 'fingerprint', fingerprint,
    'key', key, 'sealed', sealed)
  if account then
    redis.call('HSET', ROW .. id, 'account', account)
  else
    redis.call('HDEL', ROW .. id, 'account')
  end
  note_change(id)
end

-- A conversation, if it is held under this token: the one with this id, or where that is '' the one
-- that the branch leads to.
local function held_by(branch, id, token)
  if id == '' then
    id = redis.call('HGET', BRANCH .. branch, 'id')
  end
  if id and redis.call('HGET', CONVERSATION .. id, 'holder') == token then
    return id
  end
end

-- Notes that a conversation is used now; of two in one millisecond the later one comes later.
local function note_use(id, owner)
  local now = whole(now_us())
  redis.call('HSET', CONVERSATION .. id, 'used', now_ms())
  redis.call('ZADD', CONVERSATIONS, now, id)
  redis.call('ZADD', CONVERSATIONS_OF .. owner, now, id)
end

-- Makes an entry of a server's outbox of a conversation, and returns it.
local function move_to_outbox(id, server, lease)
  local kept = redis.call('HMGET', CONVERSATION .. id, 'owner', 'entry')
  for _, key in ipairs(redis.call('SMEMBERS', CONVERSATION_BRANCHES .. id)) do
    local branch = redis.call('HMGET', BRANCH .. key, 'id', 'thread')
    -- Either may be another conversation's by now.
    if branch[1] == id then
      redis.call('DEL', BRANCH .. key)
    end
    local thread = THREAD .. (branch[2] or '')
    if redis.call('GET', thread) == id then
      redis.call('DEL', thread)
    end
  end
  redis.call('DEL', CONVERSATION .. id, CONVERSATION_BRANCHES .. id)
  redis.call('ZREM', CONVERSATIONS, id)
  redis.call('ZREM', CONVERSATIONS_OF .. kept[1], id)
  redis.call('HSET', OUTBOX .. server, id, kept[2])
  redis.call('ZADD', OUTBOXES, now_ms() + lease, server)
  return kept[2]
end

-- Writes an act into the log, of which so many are kept.
local function note_act(entry, most)
  redis.call('LPUSH', AUDIT, entry)
  redis.call('LTRIM', AUDIT, 0, most - 1)
end

-- Adds to a field of a hash; one that is full stays full.
local function add_up(key, field, value)
  local sum = redis.pcall('HINCRBY', key, field, value)
  if type(sum) == 'table' and sum.err then
    redis.call('HSET', key, field, '9223372036854775807')
  end
end

-- The names of a chunk of points, and of the set of all chunks of its series.
local function chunk_key(span, series, chunk)
  return POINTS .. span .. ':' .. chunk .. ':' .. series
end

local function chunks_key(span, series)
  return CHUNKS .. span .. ':' .. series
end

-- Drops the chunks of a series up to this one.
local function drop_chunks(span, series, last)
  local chunks = chunks_key(span, series)
  for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', chunks, '-inf', last)) do
    redis.call('UNLINK', chunk_key(span, series, chunk))
    redis.call('ZREM', chunks, chunk)
  end
end

-- Days since 1970.
local function today()
  return math.floor(redis.call('TIME')[1] / 86400)
end

-- For how long a subject has to wait until its minute is whole again, in microseconds.
local function owed(subject, now)
  local due = tonumber(redis.call('GET', QUOTA_MINUTE .. subject) or now)
  return math.max(0, due - now)
end

local function owe(subject, now, owes)
  if owes <= 0 then
    redis.call('DEL', QUOTA_MINUTE .. subject)
  else
    local due, lives = whole(now + owes), whole(owes / 1000 + 1)
    redis.call('SET', QUOTA_MINUTE .. subject, due, 'PX', lives)
  end
end

local function tokens_key(day, subject)
  return QUOTA_TOKENS .. whole(day) .. ':' .. subject
end

local function tokens_of(day, subject)
  return tonumber(redis.call('GET', tokens_key(day, subject)) or 0)
end

-- Adds tokens of a day, or takes them off; returns the sum, which is kept for so many seconds.
local function add_tokens(day, subject, more, kept)
  local sum = tokens_of(day, subject) + more
  -- As far as this server's numbers are exact.
  sum = math.min(math.max(0, sum), 9007199254740991)
  if more ~= 0 then
    redis.call('SET', tokens_key(day, subject), whole(sum), 'EX', kept)
  end
  return sum
end
