# SPDX-License-Identifier: MIT OR Apache-2.0
"""`mtasts.resolve`: a look-up in one line."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .lookup import Config
from .outcome import Outcome

if TYPE_CHECKING:
    from .host import DefaultHost

_lock = threading.Lock()
_shared: DefaultHost | None = None


def resolve(domain: str, host: DefaultHost | None = None, config: Config | None = None) -> Outcome:
    """Looks a domain up and gives the outcome. Blocks, for 80 seconds at most by default.

    Args:
        domain: of a recipient's address; A-labels or U-labels.
        host: asks the network and remembers. None: a `DefaultHost` of this process, opened when it
            is first needed, with the system's name servers and roots and without a store. A mail
            server opens one of its own, with a store: without one, whoever is on the path of DNS
            can hide a policy.

    Raises:
        AddressLiteralError: it has no policy: deliver as without MTA-STS.
        DomainError: it is no host name; the mail waits.
        HostError: the default host cannot be opened.

    >>> resolve("gmail.com").policy.mode                                 # doctest: +SKIP
    <Mode.ENFORCE: 'enforce'>
    """
    return (host or _default()).resolve(domain, config)


def _default() -> DefaultHost:
    global _shared
    with _lock:
        if _shared is None:
            from .host import DefaultHost

            _shared = DefaultHost()
        return _shared
