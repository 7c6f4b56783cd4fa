-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- ARGV: 5 the token, 6 the timeout, 7 the data.

local now = clock()
local it, doubt = find(now)
if doubt then
	return {'doubt', now, doubt}
end
local refused = permit(it, ARGV[5], now)
if refused then
	return refused
end
it = it or fresh()
local version = it.version or '1'
local data = it.version and isBase(it, it.version) and (redis.call('HGET', it.key, 'd') or '')
if data then
	version = text(it.version + 1)
end
local before = it.version
it.version, it.timeout = version, ARGV[6]
if it.h then
	slide(it, now, true, 'd', ARGV[7], 'v', version, 't', ARGV[6], 'c', it.h)
else
	slide(it, now, true, 'd', ARGV[7], 'v', version, 't', ARGV[6])
end
if not before then
	redis.call('ZREM', KEYS[2], '-' .. ARGV[1])
end
if data then
	redis.call('HSET', it.key, 'b' .. before, data)
end
endHold(it, true)
signal()
return {'done'}
