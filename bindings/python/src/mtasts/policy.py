# SPDX-License-Identifier: MIT OR Apache-2.0
"""Policies (RFC 8461 section 3.2)."""

from __future__ import annotations

from ctypes import byref, c_void_p
from typing import Any

from . import _abi
from ._handle import Handle, octets_of, text_of
from .errors import Problem, fail, problem_of
from .words import Mode

_matches = _abi.policy_matches
_STRICT = 1


class Policy:
    """A policy. Immutable: any number of threads may use it. Two of the same text are equal.

    >>> policy = Policy.parse('''\\
    ... version: STSv1
    ... mode: enforce
    ... mx: mx1.example.com
    ... mx: *.mail.example.com
    ... max_age: 604800
    ... ''')
    >>> policy.mode, policy.max_age, policy.mx
    (<Mode.ENFORCE: 'enforce'>, 604800, ('mx1.example.com', '*.mail.example.com'))
    >>> policy.matches("MX1.example.com."), policy.matches("a.b.mail.example.com")
    (True, False)
    """

    __slots__ = ("_handle", "_mx", "_pointer")

    def __init__(self, handle: Handle, pointer: int) -> None:
        """For this package alone: programs use `Policy.parse`.

        Args:
            handle: what the policy belongs to: its own handle or an outcome's.
        """
        self._handle = handle
        self._pointer = pointer
        self._mx: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, text: str | bytes, *, strict: bool = False) -> Policy:
        """Reads a policy, as a policy host serves it.

        Args:
            text: at most 64 KiB.
            strict: what is otherwise tolerated with a warning is an error.

        Raises:
            PolicyError: it breaks the grammar.
        """
        octets = octets_of(text)
        problem, place = _abi.Problem(), c_void_p()
        flags = _STRICT if strict else 0
        status = _abi.policy_parse(octets, len(octets), flags, byref(place), byref(problem))
        if status != 0:
            fail(status, problem=problem)
        pointer = place.value or 0
        return cls(Handle(pointer, _abi.policy_free), pointer)

    @property
    def mode(self) -> Mode:
        """What to do with MX hosts that are not as the policy says."""
        return Mode.of(_abi.policy_mode(self._pointer))

    @property
    def max_age(self) -> int:
        """The lifetime in seconds from the fetch on."""
        return int(_abi.policy_max_age(self._pointer))

    @property
    def mx(self) -> tuple[str, ...]:
        """The MX patterns in the policy's order: lower-case, without a final dot, `*.` in front of
        a wildcard."""
        if self._mx is None:
            count = _abi.policy_mx_count(self._pointer)
            lent = (_abi.policy_mx(self._pointer, index) for index in range(count))
            self._mx = tuple(text_of(pattern) or "" for pattern in lent)
        return self._mx

    @property
    def text(self) -> str:
        """The text as it was published."""
        return text_of(_abi.policy_text(self._pointer)) or ""

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What RFC 8461 does not allow and the engine tolerates, in the order of the text. Those
        of an outcome's policy are not kept: `Policy.parse(policy.text)` has them."""
        found: list[Problem] = []
        for index in range(_abi.policy_warning_count(self._pointer)):
            problem = _abi.Problem()
            if _abi.policy_warning(self._pointer, index, byref(problem)) == 0:
                found.append(problem_of(problem))
        return tuple(found)

    def matches(self, mx_host: str) -> bool:
        """Whether the policy lists an MX host (RFC 8461 section 4.1).

        Args:
            mx_host: the name in an MX record (A-labels) or, without MX records, the domain itself.
                Case and a final dot do not count. What is no host name is not listed.
        """
        # The library takes a name to end at the first NUL.
        if "\0" in mx_host:
            return False
        try:
            return _matches(self._pointer, mx_host.encode())  # type: ignore[no-any-return]
        except UnicodeEncodeError:
            return False

    def __eq__(self, other: object) -> Any:
        """Whether the texts are the same."""
        return self.text == other.text if isinstance(other, Policy) else NotImplemented

    def __hash__(self) -> int:
        """That of the text."""
        return hash(self.text)

    def __repr__(self) -> str:
        """What it says, in short."""
        return f"<Policy {self.mode}, max_age {self.max_age}, mx {' '.join(self.mx) or 'none'}>"

    def __reduce__(self) -> tuple[object, ...]:
        """For pickle, and thus for other processes."""
        return Policy.parse, (self.text,)
