-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- What all scripts that deal with one session begin with.
--
-- KEYS: 1 the item, 2 the index of its bucket, 3 the newest token of its bucket.
-- ARGV: 1 the id, 2 the channel, 3 the command that publishes there, 4 what is
-- known of the holder's node: "+" or "-" (alive or dead) and the token of the
-- hold; the rest is the verb's.
--
-- Fields of an item, a hash:
--   s  when its expiry was slid, in microseconds
--   t  its timeout, in nanoseconds, which only the nodes read exactly
--   d  the data; v  their version, which rises with each Put that keeps older
--      ones for a lost hold. Without v nothing is stored: the item is new
--   h  the present hold; c  the committed one; k  how many were lost in a row
--   l  the lost holds, oldest first, as "token:version ..."
--   l<token>    a lost hold: the timeout when it was lost, a space, the hold
--   b<version>  data that were replaced and that lost holds were sent
-- A hold is "token since late losses length node rest": the node has the given
-- length, the rest is the nodes' business.
--
-- The index is a sorted set of "+id" for what is stored and "-id" for what is new,
-- by when to look at it in microseconds. It tells what has expired also when the
-- server has removed the item itself.
--
-- Tokens are compared as text: they are written in one way only.

local KEEP = 7 * 86400 * 1000 -- ms; how long what nobody asks for any more outlives its expiry
local DAY = 86400 * 1000
local LONGEST = 200 * 366 * 86400 * 1e6 -- µs; times stay below 2^53
local MOST_LOST = 16

local function text(n)
	return string.format('%.0f', n)
end

local function clock()
	local t = redis.call('TIME')
	return t[1] * 1000000 + t[2]
end

local function corrupt(what)
	error({err = 'CORRUPT ' .. what})
end

local function parse(h)
	local token, since, late, losses, length, at = string.match(h, '^(%d+) (%d+) (%d+) (%d+) (%d+) ()')
	if not token then
		corrupt('hold')
	end
	return {token = token, since = tonumber(since), late = late, node = string.sub(h, at, at + length - 1)}
end

local function micros(timeout)
	local t = tonumber(timeout)
	if not t then
		corrupt('timeout')
	end
	return math.min(math.floor(t / 1000), LONGEST)
end

-- read reads an item, and further fields that are named; the first of them are
-- the data.
local function read(key, ...)
	local r = redis.call('HMGET', key, 's', 't', 'v', 'h', 'c', 'k', 'l', ...)
	if not r[1] and not r[2] then
		return nil
	end
	local it = {key = key, slid = tonumber(r[1]), timeout = r[2], version = r[3], h = r[4], committed = r[5], losses = tonumber(r[6] or 0), lost = {}, data = r[8]}
	if not it.slid or not it.timeout then
		corrupt('item')
	end
	if it.h then
		it.hold = parse(it.h)
	end
	if r[7] then
		for token, version in string.gmatch(r[7], '(%d+):(%d*)') do
			table.insert(it.lost, {token = token, version = version})
		end
	end
	return it
end

local function expiry(it)
	return it.slid + micros(it.timeout)
end

-- find returns the item unless it has expired. A second result is a hold of
-- which it must be known whether its node is alive.
local function find(now, ...)
	local it = read(KEYS[1], ...)
	if not it or now < expiry(it) then
		return it
	end
	if not it.hold or ARGV[4] == '-' .. it.hold.token then
		return nil
	end
	if ARGV[4] == '+' .. it.hold.token then
		return it
	end
	return nil, it.h
end

local function lostAt(it, token)
	for i, l in ipairs(it.lost) do
		if l.token == token then
			return i
		end
	end
	return nil
end

-- lostHold reads a lost hold. It is asked before anything is written: what can't be
-- read is to be left as it is.
local function lostHold(it, token)
	local record = redis.call('HGET', it.key, 'l' .. token) or corrupt('lost hold')
	local h = string.match(record, '^%d+ (.*)$') or corrupt('lost hold')
	return h, parse(h)
end

-- isBase tells whether a lost hold was sent this version of the data.
local function isBase(it, version)
	for _, l in ipairs(it.lost) do
		if l.version == version then
			return true
		end
	end
	return false
end

-- forget forgets the lost hold at a place. The caller writes the list.
local function forget(it, i)
	local l = table.remove(it.lost, i)
	redis.call('HDEL', it.key, 'l' .. l.token)
	if l.version ~= '' and l.version ~= it.version and not isBase(it, l.version) then
		redis.call('HDEL', it.key, 'b' .. l.version)
	end
end

local function writeLost(it)
	if #it.lost == 0 then
		redis.call('HDEL', it.key, 'l')
		return
	end
	local all = {}
	for i, l in ipairs(it.lost) do
		all[i] = l.token .. ':' .. l.version
	end
	redis.call('HSET', it.key, 'l', table.concat(all, ' '))
end

-- forgetToken forgets a lost hold if it is known.
local function forgetToken(it, token)
	local i = lostAt(it, token)
	if i then
		forget(it, i)
		writeLost(it)
	end
	return i ~= nil
end

-- keep makes a key last for some milliseconds at least. It looks before it
-- writes: what is only read goes to no replica and no append-only file.
local function keep(key, ms)
	if redis.call('PTTL', key) < ms then
		redis.call('PEXPIRE', key, text(ms + DAY))
	end
end

-- unindex takes an id out of the index.
local function unindex()
	redis.call('ZREM', KEYS[2], '+' .. ARGV[1], '-' .. ARGV[1])
end

-- fresh is a new item in place of one that has expired, of which nobody is told.
local function fresh()
	unindex()
	redis.call('DEL', KEYS[1])
	return {key = KEYS[1], losses = 0, lost = {}}
end

-- slide slides the expiry, and sets other fields on the way. The index comes
-- first: if it is none, nothing has been done. It is left alone where an item is
-- only read: Expire finds it too early then, and puts it in its place.
local function slide(it, now, indexed, ...)
	it.slid = now
	if indexed then
		redis.call('ZADD', KEYS[2], text(expiry(it)), (it.version and '+' or '-') .. ARGV[1])
		keep(KEYS[2], math.ceil(micros(it.timeout) / 1000) + KEEP)
	end
	redis.call('HSET', it.key, 's', text(now), ...)
	keep(it.key, math.ceil(micros(it.timeout) / 1000) + KEEP)
end

-- endHold ends the present hold, if there is one, as committed or not. The caller
-- has written the committed one.
local function endHold(it, committed)
	if it.hold then
		redis.call('HDEL', it.key, 'h')
		if committed and it.hold.late ~= '0' then
			forgetToken(it, it.hold.late)
		end
	end
	if committed and it.losses > 0 then
		redis.call('HDEL', it.key, 'k')
	end
	it.hold, it.h = nil, nil
end

-- permit returns the answer to a change that names a token if it may not be made.
local function permit(it, token, now)
	if not it or not it.hold then
		if token ~= '0' then
			return {'lost'}
		end
	elseif token == '0' then
		return {'locked', now, it.h}
	elseif token ~= it.hold.token then
		return {'lost'}
	end
	return nil
end

local function signal()
	redis.call(ARGV[3], ARGV[2], ARGV[1])
end

-- told is the item as an answer tells it. It was read with its data.
local function told(it, now)
	local answer = {'item', now, it.timeout, it.version or '', it.h or '', it.committed or '', it.data or ''}
	for _, l in ipairs(it.lost) do
		local h = lostHold(it, l.token)
		table.insert(answer, h)
	end
	return answer
end
