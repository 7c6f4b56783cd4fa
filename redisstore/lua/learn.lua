-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- KEYS: 1 what a client has sent, a hash: each key by what it is without case.
-- ARGV: 1 how many at most, 2 for how many milliseconds, then pairs of these.

local known = redis.call('HLEN', KEYS[1])
for i = 3, #ARGV, 2 do
	if known >= tonumber(ARGV[1]) then
		break
	end
	known = known + redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('HVALS', KEYS[1])
