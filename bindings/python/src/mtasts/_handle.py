# SPDX-License-Identifier: MIT OR Apache-2.0
"""Handles of the C ABI, and strings that cross it."""

from __future__ import annotations

from ctypes import byref, c_void_p, string_at
from typing import Any, Callable, NoReturn

from . import _abi
from .errors import DomainError, Error, check


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

    def __reduce__(self) -> NoReturn:
        """A pointer means nothing elsewhere, and has one owner."""
        raise TypeError("what the library's memory holds can be neither pickled nor copied")


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
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    if isinstance(text, (bytes, bytearray, memoryview)):  # bytes(5) would be five NULs
        return bytes(text)
    raise TypeError(f"expected str or bytes, not {type(text).__name__}")


def c_string(text: str) -> bytes:
    """A name for the library, which takes it to end at the first NUL: so there must be none.

    Raises:
        DomainError: it holds a NUL, or is not even UTF-8.
    """
    if not isinstance(text, str):
        raise TypeError(f"a name is a str, not {type(text).__name__}")
    try:
        if "\0" not in text:
            return text.encode()
    except UnicodeEncodeError:
        pass
    raise DomainError(f"{text!r}: not a host name", "host-name", 5)


def number(name: str, value: int | None, least: int, most: int = 0xFFFF_FFFF) -> int:
    """A setting for the library, of which ctypes would cut off what does not fit. None is 0, by
    which the library means its default.

    Raises:
        Error: it is out of range; kind `argument`.
    """
    if value is None:
        return 0
    if not isinstance(value, int):
        raise TypeError(f"{name} is an int, not {type(value).__name__}")
    if not least <= value <= most:
        raise Error(f"{name} is {value}, which is not from {least} to {most}", "argument", 1)
    return value


def milliseconds(name: str, seconds: float | None) -> int:
    """A time limit for the library; None is its default. There is none of no time at all: nothing
    would ever be found within it."""
    if seconds is None:
        return 0
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} is a float, not {type(seconds).__name__}")
    if not 0 < seconds <= 0xFFFF_FFFF / 1000:
        raise Error(f"{name} is {seconds}, which is no time limit in seconds", "argument", 1)
    return max(1, int(seconds * 1000))
