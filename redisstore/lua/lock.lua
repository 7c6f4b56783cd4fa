-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- ARGV: 5 the token that may be stolen, 6 that of the lost hold to commit for,
-- 7 the timeout of an item that is new, 8 the hold from its node's length on.

local now = clock()
local it, doubt = find(now, 'd')
if doubt then
	return {'doubt', now, doubt}
end
if ARGV[6] ~= '0' and not (it and lostAt(it, ARGV[6])) then
	return {'lost'}
end
if it and it.hold and it.hold.token ~= ARGV[5] then
	return {'locked', now, it.h}
end
local since = {}
for i, l in ipairs(it and it.lost or {}) do
	local _, lost = lostHold(it, l.token)
	since[i] = lost.since
end

-- The clock lets tokens rise also when nothing is known of former ones. The
-- counter does when the clock does not, and is read before anything is written.
local last = tonumber(redis.call('GET', KEYS[3]) or 0) or 0
local token = text(math.max(last + 1, now))
redis.call('SET', KEYS[3], token, 'PX', text(KEEP))

it = it or fresh()
local stolen, h, timeout = it.hold, it.h, it.timeout
if not it.version then
	it.timeout = ARGV[7]
end
if stolen then
	it.losses = it.losses + 1
end
it.h = token .. ' ' .. text(now) .. ' ' .. ARGV[6] .. ' ' .. it.losses .. ' ' .. ARGV[8]
slide(it, now, true, 'h', it.h, 't', it.timeout)

-- What was lost longer ago than a session lives belongs to no open exchange.
local before = #it.lost
for i = #it.lost, 1, -1 do
	if now - since[i] > micros(it.timeout) and it.lost[i].token ~= ARGV[6] then
		forget(it, i)
	end
end
if stolen then
	if #it.lost == MOST_LOST then
		forget(it, it.lost[1].token == ARGV[6] and 2 or 1)
	end
	table.insert(it.lost, {token = stolen.token, version = it.version or ''})
	redis.call('HSET', it.key, 'l' .. stolen.token, timeout .. ' ' .. h, 'k', it.losses)
	signal()
end
if stolen or #it.lost ~= before then
	writeLost(it)
end
return told(it, now)
