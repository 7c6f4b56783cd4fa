-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- ARGV: 5 the token, 6 "1" if the hold ends as committed.

local now = clock()
local it, doubt = find(now)
if doubt then
	return {'doubt', now, doubt}
end
if not it or ARGV[5] == '0' then
	return {'lost'}
end
local committed = ARGV[6] == '1'
local present = it.hold and it.hold.token == ARGV[5]
if not present and not lostAt(it, ARGV[5]) then
	return {'lost'}
end
local ended, lost = it.h, nil
if not present then
	ended, lost = lostHold(it, ARGV[5])
end
if committed then
	slide(it, now, true, 'c', ended)
else
	slide(it, now, true)
end
if present then
	endHold(it, committed)
else
	forgetToken(it, ARGV[5])
	if committed then
		redis.call('HDEL', it.key, 'k')
		forgetToken(it, lost.late)
	end
end
if not it.version and not it.hold and #it.lost == 0 then
	unindex()
	redis.call('DEL', it.key)
end
signal()
return {'done'}
