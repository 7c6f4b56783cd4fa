-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- ARGV: 5 the token.

local now = clock()
local it, doubt = find(now)
if doubt then
	return {'doubt', now, doubt}
end
local refused = permit(it, ARGV[5], now)
if refused then
	return refused
end
if it then
	unindex()
	redis.call('DEL', KEYS[1])
	signal()
end
return {'done'}
