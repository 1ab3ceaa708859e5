# SPDX-License-Identifier: MIT OR Apache-2.0
"""Handles of the C ABI, and strings that cross it."""

from __future__ import annotations

from ctypes import byref, c_void_p, string_at
from typing import Any, Callable

from . import _abi
from .errors import DomainError, check


class Handle:
    """Owns a handle, and frees it when nobody refers to it any more.

    Whoever calls the library holds the handle meanwhile, be it by a local variable: so it is never
    freed under a call, by whichever thread. Reference counts are the only lock there is, which
    serves the free-threaded build too. A child of a fork has its own copy, and frees that.
    """

    __slots__ = ("_free", "pointer")

    def __init__(self, pointer: int, free: Callable[[int], None]) -> None:
        self.pointer = pointer
        self._free = free

    def __del__(self) -> None:
        """Frees it."""
        self._free(self.pointer)


def handed_out(free: Callable[[int], None], make: Callable[..., int], *arguments: Any) -> Handle:
    """Calls a function whose last parameter is the place for a handle."""
    place = c_void_p()
    check(make(*arguments, byref(place)))
    return Handle(place.value or 0, free)


def text_of(lent: _abi.Str) -> str | None:
    """A copy of a string that a handle lends."""
    if not lent.data:
        return None
    octets: bytes = string_at(lent.data, lent.len)
    return octets.decode()


def octets_of(text: str | bytes | bytearray | memoryview) -> bytes:
    """Octets for the library, which take their length along. What UTF-8 does not have (lone
    surrogates) becomes octets that are no UTF-8, so that the library refuses them."""
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else bytes(text)


def c_string(text: str) -> bytes:
    """A name for the library, which takes it to end at the first NUL: so there must be none.

    Raises:
        DomainError: it holds a NUL, or is not even UTF-8.
    """
    try:
        if "\0" not in text:
            return text.encode()
    except UnicodeEncodeError:
        pass
    raise DomainError(f"{text!r}: not a host name", "host-name", 5)
