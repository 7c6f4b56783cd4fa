-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- KEYS: 1 what a client has sent, a hash: each key by what it is without case.
-- ARGV: 1 how many at most, 2 for how many milliseconds, then pairs of these.

local DAY = 86400 * 1000

local known = redis.call('HLEN', KEYS[1])
for i = 3, #ARGV, 2 do
	if known >= tonumber(ARGV[1]) then
		break
	end
	known = known + redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1])
end
-- Who only asks what is known makes no replica and no append-only file write.
if redis.call('PTTL', KEYS[1]) < ARGV[2] - DAY then
	redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return redis.call('HVALS', KEYS[1])
