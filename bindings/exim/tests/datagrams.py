#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Takes what comes for a TLSRPT collector: `datagrams.py SOCKET` prints of each datagram a line
with the domain, the numbers of policy type and failures, and the MX hosts that failed. A datagram
for end.example ends it. It prints "ready" first."""

import json
import socket
import sys

collector = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
collector.bind(sys.argv[1])
print("ready", flush=True)
while (told := json.loads(collector.recv(65_536)))["d"] != "end.example":
    (policy,) = told["policies"]
    failures = policy.get("failure-details", [])
    numbers = [policy["policy-type"], *(failure["c"] for failure in failures)]
    hosts = [failure.get("n", "-") for failure in failures]
    print(told["d"], *numbers, *hosts, flush=True)
