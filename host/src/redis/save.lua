-- SPDX-License-Identifier: MIT OR Apache-2.0
-- Saves an entry in one step, unless the policy that is there is the better one, by the same rule
-- as the store of one machine (`is_better`). The server forgets the entry when it is useless.
-- KEYS: the entry's key. ARGV: its value, when its policy was fetched (0: it has none), when it
-- becomes useless, and the time now.
local there = redis.call('GET', KEYS[1])
if there == ARGV[1] then
    return 1
end
local fetched, useless = string.match(there or '', '^fetched (%d+) useless%-after (%d+)\n')
if fetched and tonumber(fetched) > 0 then
    local new, now = tonumber(ARGV[2]), tonumber(ARGV[4])
    local is_later = new < tonumber(fetched) and tonumber(fetched) <= now
    if is_later or (new == 0 and now <= tonumber(useless)) then
        return 0
    end
end
redis.call('SET', KEYS[1], ARGV[1], 'EXAT', ARGV[3])
return 1
