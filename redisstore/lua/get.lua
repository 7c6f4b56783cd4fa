-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- ARGV: 5 "1" to slide the expiry.

local now = clock()
local it, doubt = find(now, 'd')
if doubt then
	return {'doubt', now, doubt}
end
if not it then
	return {'none'}
end
local answer = told(it, now)
if ARGV[5] == '1' then
	slide(it, now, false)
end
return answer
