-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- KEYS: 1 the nodes, a hash: when each is dead, in microseconds.
-- ARGV: 1 the node, 2 for how many microseconds it lives.

local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local ends = now + ARGV[2]
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', ends))
local live, last = {'nodes'}, ends
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
	local dead = tonumber(all[i + 1])
	if dead > now or all[i] == ARGV[1] then
		table.insert(live, all[i])
		last = math.max(last, dead)
	else
		redis.call('HDEL', KEYS[1], all[i])
	end
end
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((last - now) / 1000) + 86400 * 1000))
return live
