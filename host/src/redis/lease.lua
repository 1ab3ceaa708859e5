-- SPDX-License-Identifier: MIT OR Apache-2.0
-- Takes a lease unless somebody else has it. Asked twice it says the same.
-- KEYS: the lease's key. ARGV: the token of who asks, and for how long, in milliseconds.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
    return 1
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return 1
end
return 0
