-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- ARGV: 5 the token of the lost hold.

local now = clock()
local it, doubt = find(now)
if doubt then
	return {'doubt', now, doubt}
end
local i = it and lostAt(it, ARGV[5])
if not i then
	return {'lost'}
end
local timeout, h = string.match(redis.call('HGET', it.key, 'l' .. ARGV[5]) or '', '^(%d+) (.*)$')
if not h then
	corrupt('lost hold')
end
local version, data = it.lost[i].version, ''
if version == it.version then
	data = redis.call('HGET', it.key, 'd') or ''
elseif version ~= '' then
	data = redis.call('HGET', it.key, 'b' .. version) or corrupt('base')
end
return {'item', now, timeout, version, h, '', data}
