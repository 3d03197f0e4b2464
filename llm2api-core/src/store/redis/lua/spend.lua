-- subject, requests a minute and tokens a day (-1: no limit), tokens, how long a day is kept in s
-- -> what is short (0: nothing, 1: requests, 2: tokens), wait in us, until the minute is whole in us,
--    day, tokens used, until midnight in us
local subject, per_minute, per_day = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now, day = now_us(), today()
local used, owes = tokens_of(day, subject), owed(subject, now)
local midnight = (day + 1) * 86400000000 - now
if per_day >= 0 and used >= per_day then
  return { 2, 0, owes, day, used, midnight }
end
if per_minute == 0 then
  return { 1, 60000000, owes, day, used, midnight }
end
if per_minute > 0 then
  local interval = math.max(1, math.floor(60000000 / per_minute))
  -- The limit may have been another one, and the clock may have been set back.
  owes = math.min(owes, interval * per_minute)
  local wait = owes - interval * (per_minute - 1)
  if wait > 0 then
    return { 1, wait, owes, day, used, midnight }
  end
  owes = owes + interval
  owe(subject, now, owes)
end
used = add_tokens(day, subject, tonumber(ARGV[4]), ARGV[5])
return { 0, 0, owes, day, used, midnight }
