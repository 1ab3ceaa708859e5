# SPDX-License-Identifier: MIT OR Apache-2.0
"""TXT records: those of MTA-STS (RFC 8461 section 3.1) and of TLSRPT (RFC 8460 section 3)."""

from __future__ import annotations

from collections.abc import Iterable
from ctypes import byref, c_void_p, create_string_buffer
from typing import Any, Union

from . import _abi
from ._handle import Handle, octets_of, text_of
from .errors import fail

#: One TXT record, its character-strings concatenated without spaces.
TxtRecord = Union[str, bytes]

_ID_SIZE = 33


def _array(records: Iterable[TxtRecord]) -> tuple[Any, int, list[bytes]]:
    """The records in C, how many, and their octets, which must live as long."""
    if isinstance(records, (str, bytes)):
        raise TypeError("records is a list of TXT records, not one record")
    octets = [octets_of(record) for record in records]
    array = (_abi.Bytes * len(octets))(*(_abi.Bytes(text, len(text)) for text in octets))
    return array, len(octets), octets


def select_record(records: Iterable[TxtRecord]) -> str:
    """Picks the one legal MTA-STS record among the TXT records of `_mta-sts.<domain>`.

    Args:
        records: each with its strings concatenated.

    Returns:
        Its id.

    Raises:
        RecordError: there is none, there are several, or it breaks the grammar: as good as none.

    >>> select_record(["v=spf1 -all", "v=STSv1; id=20260101T000000;"])
    '20260101T000000'
    """
    array, count, octets = _array(records)
    identifier, problem = create_string_buffer(_ID_SIZE), _abi.Problem()
    status = _abi.record_select(array, count, identifier, byref(problem))
    del octets
    if status != 0:
        fail(status, problem=problem)
    return identifier.value.decode()


class TlsrptRecord:
    """A TLSRPT record: where reports about a domain go. Immutable: any thread may use it.

    >>> TlsrptRecord.select(["v=TLSRPTv1; rua=mailto:tls@example.com,https://r.example/v1"]).rua
    ('mailto:tls@example.com', 'https://r.example/v1')
    """

    __slots__ = ("_handle",)

    def __init__(self, handle: Handle) -> None:
        """For this package alone: programs use `select` or `DefaultHost.tlsrpt_record`."""
        self._handle = handle

    @classmethod
    def select(cls, records: Iterable[TxtRecord]) -> TlsrptRecord:
        """Picks the one legal record among the TXT records of `_smtp._tls.<domain>`.

        Raises:
            RecordError: there is none, there are several, or it breaks the grammar.
        """
        array, count, octets = _array(records)
        place, problem = c_void_p(), _abi.Problem()
        status = _abi.tlsrpt_record_select(array, count, byref(place), byref(problem))
        del octets
        if status != 0:
            fail(status, problem=problem)
        return cls(Handle(place.value or 0, _abi.tlsrpt_record_free))

    @property
    def rua(self) -> tuple[str, ...]:
        """The `mailto:` and `https:` URIs, in the record's order."""
        pointer = self._handle.pointer
        count = _abi.tlsrpt_record_rua_count(pointer)
        lent = (_abi.tlsrpt_record_rua(pointer, index) for index in range(count))
        return tuple(text_of(uri) or "" for uri in lent)

    def __repr__(self) -> str:
        """Where reports go."""
        return f"<TlsrptRecord {' '.join(self.rua)}>"
