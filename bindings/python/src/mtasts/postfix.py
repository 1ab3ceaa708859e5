# SPDX-License-Identifier: MIT OR Apache-2.0
"""What Postfix asks; `Outcome.postfix` is what it is told."""

from __future__ import annotations

from ctypes import create_string_buffer

from . import _abi
from ._handle import c_string
from .errors import check

_ADDRESS_LITERAL = 6


def next_hop(key: str) -> str | None:
    """The domain that a key of smtp_tls_policy_maps names, to give to a look-up.

    Returns:
        The domain, its case and U-labels as they are; None if the key names nothing that a policy
        can be for, but an address, a parent domain or the path of a socket.

    Raises:
        DomainError: it is no key.

    >>> next_hop("[example.com]:submission"), next_hop(".example.com")
    ('example.com', None)
    """
    octets = c_string(key)
    buffer = create_string_buffer(len(octets) + 1)
    status = _abi.postfix_next_hop(octets, buffer, len(buffer))
    if status == _ADDRESS_LITERAL:
        return None
    check(status, key)
    return buffer.value.decode()
