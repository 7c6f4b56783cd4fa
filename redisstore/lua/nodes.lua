-- SPDX-FileCopyrightText: The Session Bridge authors
-- SPDX-License-Identifier: Apache-2.0

-- KEYS: 1 the nodes. Answers those that are alive.

local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local live = {'nodes'}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
	if tonumber(all[i + 1]) > now then
		table.insert(live, all[i])
	end
end
return live
