# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tests share: a lab for all of them, each test with the scene as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab import Lab

SCENE = """
[defaults]
ttl = 60
id = "1"
policy = "enforce"

[[domain]]
name = "good.example"
mx = ["mx1.good.example", "mx2.good.example:50"]
policy_mx = ["mx1.good.example", "*.good.example"]
tlsrpt = "mailto:r@good.example"

[[domain]]
name = "testing.example"
policy = "testing"
policy_mx = ["mx.elsewhere.example"]

[[domain]]
name = "xn--bcher-kva.example"

[[domain]]
name = "none.example"
txt = "v=spf1 -all"

[[domain]]
name = "dane.example"
secure = true
mx = ["mx.dane.example"]

[[host]]
name = "mx.dane.example"
hostsecure = true
tlsa = "match"

[[bulk]]
count = 1000
pattern = "d{}.load.example"
id = "1"
policy = "enforce"
"""


@pytest.fixture(scope="session")
def running() -> Iterator[Lab]:
    """The lab."""
    with Lab(SCENE) as lab:
        yield lab


@pytest.fixture
def lab(running: Lab) -> Iterator[Lab]:
    """The lab as the scene says."""
    running.ask("clear")
    yield running
    running.ask("reset")
