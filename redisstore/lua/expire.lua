-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- Removes what has expired of one bucket, and tells those ids that were stored.
--
-- KEYS: 2 the index. ARGV: 2 and 3 as ever, 4 what the keys of items begin with,
-- 5 how many to remove at most, 6 "known" if it is known which nodes are alive,
-- then these.

local MOST_DELAY = 60 * 1e6 -- µs; how much later what was held beyond its timeout may go
local LOOKS = 1000 -- how many at most to look at that stay

local now = clock()
local known, live = ARGV[6] == 'known', {}
for i = 7, #ARGV do
	live[ARGV[i]] = true
end

-- look says when to look at an item again; nil if it is gone or has expired. Those
-- that are held beyond a like timeout are looked at at the same times.
local function look(key)
	local it = read(key)
	if not it then
		return nil
	end
	if now < expiry(it) then
		return expiry(it)
	end
	if not it.hold or known and not live[it.hold.node] then
		return nil
	end
	keep(it.key, math.ceil(micros(it.timeout) / 1000) + KEEP)
	local every = math.max(math.min(micros(it.timeout), MOST_DELAY), 1000)
	return now - now % every + every
end

local told, removed = {}, 0
local latest = 0 -- when to look at what stays, of what was looked at

local function settle(member)
	local id = string.sub(member, 2)
	local key = ARGV[4] .. id
	local readable, again = pcall(look, key)
	if not readable then -- not ours to remove, and no reason to stop for the others
		redis.call('ZADD', KEYS[2], text(now + MOST_DELAY), member)
		return
	end
	if again then
		latest = math.max(latest, again)
		redis.call('ZADD', KEYS[2], text(again), member)
		return
	end
	redis.call('ZREM', KEYS[2], member)
	redis.call('DEL', key)
	redis.call(ARGV[3], ARGV[2], id)
	removed = removed + 1
	if string.sub(member, 1, 1) == '+' then
		table.insert(told, id)
	end
end

local limit = tonumber(ARGV[5])
if limit > 0 then
	for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', text(now), 'LIMIT', 0, limit + LOOKS)) do
		if removed == limit then
			break
		end
		settle(member)
	end
end
if latest > 0 then -- who only reads leaves the index alone
	keep(KEYS[2], math.ceil((latest - now) / 1000) + KEEP)
end
local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local left = -1
if first[2] then
	left = math.max(tonumber(first[2]) - now, 0)
end
return {'expired', left, removed, unpack(told)}
