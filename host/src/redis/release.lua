-- SPDX-License-Identifier: MIT OR Apache-2.0
-- Gives a lease back, unless it has ended and is somebody else's now.
-- KEYS: the lease's key. ARGV: the token of who has taken it.
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
