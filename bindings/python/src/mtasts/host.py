# SPDX-License-Identifier: MIT OR Apache-2.0
"""The default host: DNS, HTTPS, certificate chains, and a policy store that all processes of a
machine share (libmtasts-host), for programs that have none of their own."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from ctypes import byref, c_char_p, c_int32, c_void_p, create_string_buffer
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Callable, Union

from . import _abi
from . import _host_abi as _c
from ._handle import Handle, c_string, milliseconds, number, octets_of
from .errors import ClosedError, Error, check, fail
from .lookup import Answer, Config, Load, LoadedAnswer, Lookup, QueryTxt, new_answer, to_ascii
from .outcome import Outcome
from .records import TlsrptRecord
from .words import Certificate, Dane, DomainDane, Failure

#: A path as `open` takes it.
Path = Union[str, "os.PathLike[str]"]

_DOMAIN_SIZE = 254
_logger = logging.getLogger("mtasts")
# Those of syslog, which the C ABI has.
_LEVELS = {3: logging.ERROR, 4: logging.WARNING, 6: logging.INFO}


def _log(user: int | None, level: int, message: bytes) -> None:
    _logger.log(_LEVELS.get(level, logging.INFO), "%s", message.decode("utf-8", "replace"))


# It lives as long as the process, so that no host outlives it.
_LOG = _c.LogFunction(_log)


def domain_to_ascii(domain: str) -> str:
    """Converts U-labels to A-labels by IDNA (UTS 46, non-transitional); lower case, no final dot.

    Raises:
        DomainError: it cannot be converted; never read this as "no policy".
        AddressLiteralError: it is one.

    >>> domain_to_ascii("Bücher.Example.")
    'xn--bcher-kva.example'
    """
    buffer = create_string_buffer(_DOMAIN_SIZE)
    check(_c.domain_to_ascii(c_string(domain), buffer, len(buffer)), domain)
    return buffer.value.decode()


@dataclass(frozen=True)
class Mx:
    """An MX record."""

    preference: int
    host: str
    """As the record has it, but without the final dot."""


@dataclass(frozen=True)
class MxHosts:
    """The MX hosts of a domain, the most preferred first. None: a null MX (RFC 7505), the domain
    takes no mail."""

    hosts: tuple[Mx, ...]
    is_implicit: bool
    """The domain has no MX records and is its own host (RFC 5321 section 5.1)."""
    is_secure: bool
    """The records were DNSSEC-secure; never without the option `dane`."""


class DaneRecords:
    """What DANE has of one MX host. Immutable; any thread may use it, and it needs no host."""

    __slots__ = ("_handle",)

    def __init__(self, handle: Handle) -> None:
        """For this package alone: `DefaultHost.dane` gives them."""
        self._handle = handle

    @property
    def status(self) -> Dane:
        """What to say of the host in a `Session` before TLS."""
        return Dane.of(_c.dane_status(self._handle.pointer))

    @property
    def server_name(self) -> str | None:
        """The name to send in TLS (SNI) if the status is `Dane.USABLE`, else None."""
        name = _c.dane_server_name(self._handle.pointer)
        return name.decode() if name else None

    def check(self, chain: Iterable[bytes], next_hop: str | None = None) -> Dane:
        """What to say of the host in a `Session` once TLS stands.

        Args:
            chain: what the host showed, DER, its own certificate first.
            next_hop: the domain of the mail if the MX records were DNSSEC-secure, else None.
        """
        array, count = _chain(chain)
        status = c_int32()
        name = c_string(next_hop) if next_hop is not None else None
        check(_c.dane_check(self._handle.pointer, name, array, count, byref(status)))
        return Dane.of(status.value)


def _chain(chain: Iterable[bytes]) -> tuple[Any, int]:
    octets = [bytes(certificate) for certificate in chain]
    return (_c.Der * len(octets))(*(_c.Der(der, len(der)) for der in octets)), len(octets)


class DefaultHost:
    """DNS, HTTPS, certificate chains and the policy store.

    Any thread may use it, several at a time; so may a child of a fork. Between calls it has no
    threads, and no descriptors but the store's. Calls that ask the network block, for 80 seconds at
    most by default, without the GIL. Name servers and trusted roots are read when it is opened: a
    daemon opens a new one now and then.

    What the administrator should know goes to the logger `mtasts`.

    >>> with DefaultHost() as host:                                     # doctest: +SKIP
    ...     outcome = host.resolve("example.com")
    """

    __slots__ = ("_handle",)

    def __init__(
        self,
        *,
        store: Path | None = None,
        nameservers: Sequence[str] = (),
        ca_file: Path | None = None,
        local_policies: Path | None = None,
        tlsrpt_socket: Path | None = None,
        dane: bool = False,
        dns_timeout: float | None = None,
        connect_timeout: float | None = None,
        https_port: int = 443,
        allow_non_global: bool = False,
    ) -> None:
        """Opens it.

        Args:
            store: the folder of the policy store, which must exist; setgid and writable for the
                group of all users that take part. None: nothing is stored.
            nameservers: recursive name servers, in this order: `192.0.2.1`, `192.0.2.1:53`,
                `2001:db8::1` or `[2001:db8::1]:53`. None: those of the system.
            ca_file: PEM certificates to trust instead of the system's roots.
            local_policies: the folder of the operator's own policies, `example.com.txt` each.
            tlsrpt_socket: the Unix socket of the TLSRPT collector, for `tlsrpt_send`.
            dane: DANE goes before MTA-STS. Only where every name server validates (DNSSEC) and
                nobody can come between it and this host.
            dns_timeout: time limit of a DNS question in seconds; 20 by default.
            connect_timeout: time limit for connecting to one address of a policy host in seconds,
                TLS included; 15 by default.
            https_port: the port of policy hosts, for tests.
            allow_non_global: connect to addresses that are not global, too. For tests.

        Raises:
            HostError: the store, the roots, the resolver or the local policies cannot be used.
            Error: a time limit or the port is out of range; kind `argument`.
        """
        if isinstance(nameservers, str):
            raise TypeError("nameservers is a list of addresses, not one address")
        servers = [server.encode() for server in nameservers]
        options = _c.Options(
            nameservers=(c_char_p * len(servers))(*servers),
            nameserver_count=len(servers),
            ca_file=_path(ca_file),
            store=_path(store),
            https_port=number("https_port", https_port, 1, 65535),
            allow_non_global=bool(allow_non_global),
            dns_timeout_ms=milliseconds("dns_timeout", dns_timeout),
            connect_timeout_ms=milliseconds("connect_timeout", connect_timeout),
            dane=bool(dane),
            log=_LOG,
            local_policies=_path(local_policies),
            tlsrpt_socket=_path(tlsrpt_socket),
        )
        error, place = create_string_buffer(1024), c_void_p()
        status = _c.default_host_open(byref(options), byref(place), error, len(error))
        if status != 0:
            fail(status, line=error.value.decode("utf-8", "replace"))
        self._handle: Handle | None = Handle(place.value or 0, _c.default_host_close)

    def close(self) -> None:
        """Closes it, as soon as the calls that other threads have begun are over. Twice is once."""
        self._handle = None

    def __enter__(self) -> DefaultHost:
        """Gives itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

    def _open(self) -> Handle:
        """The handle, which the caller keeps in a variable while it is used."""
        handle = self._handle
        if handle is None:
            raise ClosedError("this host has been closed", "closed")
        return handle

    def resolve(self, domain: str, config: Config | None = None) -> Outcome:
        """Looks a domain up, saves what is new, and gives the outcome. Blocks.

        Args:
            domain: of a recipient's address; A-labels or U-labels.

        Raises:
            AddressLiteralError: it has no policy: deliver as without MTA-STS.
            DomainError: it is no host name; the mail waits.
        """
        host = self._open()
        settings = byref(config._struct()) if config else None
        place = c_void_p()
        status = _abi.resolve(
            c_string(to_ascii(domain)), settings, self._callbacks(host), byref(place)
        )
        if status != 0:
            fail(status, domain)
        return Outcome(Handle(place.value or 0, _abi.outcome_free))

    def resolve_again(self, outcome: Outcome, config: Config | None = None) -> Outcome:
        """Looks again, as a sender must before it gives a message up for good (RFC 8461
        section 5.1). Blocks. If the basis is `Basis.FRESH` there is a new policy to try."""
        host, of = self._open(), outcome._handle
        settings = byref(config._struct()) if config else None
        place = c_void_p()
        check(_abi.resolve_again(of.pointer, settings, self._callbacks(host), byref(place)))
        return Outcome(Handle(place.value or 0, _abi.outcome_free))

    @staticmethod
    def _callbacks(host: Handle) -> Any:
        return _c.default_host_callbacks(host.pointer)

    def mx(self, domain: str) -> MxHosts:
        """Looks up the MX records of a domain. Blocks, for 20 s at most by default.

        Raises:
            DomainError, AddressLiteralError, DnsError: there is no answer.
        """
        host, place = self._open(), c_void_p()
        check(_c.default_host_mx(host.pointer, c_string(domain), byref(place)), domain)
        found = Handle(place.value or 0, _c.mx_list_free)
        pointer = found.pointer
        return MxHosts(
            tuple(
                Mx(_c.mx_list_preference(pointer, n), _c.mx_list_host(pointer, n).decode())
                for n in range(_c.mx_list_count(pointer))
            ),
            bool(_c.mx_list_is_implicit(pointer)),
            bool(_c.mx_list_is_secure(pointer)),
        )

    def addresses(self, host_name: str) -> tuple[str, ...]:
        """Looks up the addresses of a host, IPv4 first, whether global or not. Blocks.

        Raises:
            DomainError, DnsError: there is no answer, or there are no addresses.
        """
        host, place, name = self._open(), c_void_p(), c_string(host_name)
        check(_c.default_host_addresses(host.pointer, name, byref(place)), host_name)
        found = Handle(place.value or 0, _c.address_list_free)
        return _names(found, _c.address_list_count, _c.address_list_text)

    def verify(self, chain: Iterable[bytes], mx_host: str) -> Certificate:
        """Judges the chain that an MX host showed, for the name in the MX record: it must lead to
        one of the host's roots, be valid now, and be for servers. No I/O.

        Args:
            chain: DER, the host's own certificate first.
        """
        host, (array, count) = self._open(), _chain(chain)
        found = c_int32()
        name = c_string(mx_host)
        check(_c.default_host_verify(host.pointer, array, count, name, byref(found)))
        return Certificate.of(found.value)

    def dane(self, mx_host: str) -> DaneRecords:
        """Looks up the TLSA records of an MX host. Blocks. A look-up that fails is a status."""
        host, place = self._open(), c_void_p()
        check(_c.default_host_dane(host.pointer, c_string(mx_host), byref(place)), mx_host)
        return DaneRecords(Handle(place.value or 0, _c.dane_free))

    def domain_dane(self, domain: str) -> DomainDane:
        """What DANE says of a domain as a whole, for `Outcome.postfix`. Blocks, for 60 s at most.

        Raises:
            DomainError, AddressLiteralError: it is no domain.
        """
        host, found, name = self._open(), c_int32(), c_string(domain)
        check(_c.default_host_dane_of_domain(host.pointer, name, byref(found)), domain)
        return DomainDane.of(found.value)

    def reread(self) -> None:
        """Reads the local policies again.

        Raises:
            HostError: one is not legal; the old ones stay, all of them.
        """
        host = self._open()
        check(_c.default_host_reread(host.pointer))

    def tlsrpt_record(self, domain: str) -> TlsrptRecord:
        """Looks up the TLSRPT record of a domain. Blocks, for 20 s at most by default.

        Raises:
            DomainError, AddressLiteralError, DnsError, RecordError: there is none to report to.
        """
        host, place, name = self._open(), c_void_p(), c_string(domain)
        check(_c.default_host_tlsrpt_record(host.pointer, name, byref(place)), domain)
        return TlsrptRecord(Handle(place.value or 0, _abi.tlsrpt_record_free))

    def tlsrpt_send(self, datagram: bytes) -> None:
        """Sends what `Outcome.tlsrpt_datagram` gave to the collector; waits for nobody.

        Raises:
            HostError: the collector is not there or has not kept up. Deliver on.
        """
        host = self._open()
        check(_c.default_host_tlsrpt_send(host.pointer, datagram, len(datagram)))

    # The store.

    def cached(self, domain: str, config: Config | None = None) -> Outcome:
        """What local policies and the store have of a domain, without asking anybody.

        Without a valid policy the basis is `Basis.NO_POLICY`; that is not to be delivered by.
        """
        lookup = Lookup(to_ascii(domain), config)
        step = lookup.poll()
        while step is not None:
            answer: Answer = Failure.OTHER  # to a Fetch
            if isinstance(step, QueryTxt):
                answer = Failure.TEMPORARY
            elif isinstance(step, Load):
                answer = self.load(step.name)
            lookup.submit(step, answer)
            step = lookup.poll()
        return lookup.outcome()

    def domains(self) -> list[str]:
        """The domains of which the store has an entry: first those with a policy, then those where
        none was found, each in the order of their names.

        Raises:
            HostError: the store cannot be read.
        """
        host, place = self._open(), c_void_p()
        check(_c.default_host_store_domains(host.pointer, byref(place)))
        found = Handle(place.value or 0, _c.domain_list_free)
        return list(_names(found, _c.domain_list_count, _c.domain_list_name))

    def forget(self, domain: str) -> bool:
        """Has the store forget a domain. The next look-up begins from nothing, so that its policy
        is then only as safe as DNS is.

        Returns:
            Whether there was something to forget.

        Raises:
            HostError: the store cannot be written.
        """
        host, removed, name = self._open(), c_int32(), c_string(domain)
        check(_c.default_host_store_remove(host.pointer, name, byref(removed)), domain)
        return bool(removed.value)

    def load(self, domain: str) -> LoadedAnswer:
        """The answer to a lookup's `Load` step: what local policies and the store have. A matter of
        microseconds."""
        host, answer = self._open(), new_answer()
        callbacks = self._callbacks(host).contents
        callbacks.load(callbacks.user, c_string(domain), answer.pointer)
        return LoadedAnswer(answer)

    def save(self, outcome: Outcome) -> None:
        """Saves what is to be remembered of the outcome's domain. Waits for the disk. A policy that
        another process has fetched later stays. A failure goes to the log."""
        host = self._open()
        callbacks = self._callbacks(host).contents
        text = octets_of(outcome.stored)
        entry = _abi.Saved(
            domain=outcome.domain.encode(),
            text=text,
            text_len=len(text),
            fetched_at=outcome.fetched_at or 0,
            useless_after=outcome.useless_after,
        )
        callbacks.save(callbacks.user, byref(entry))


def _names(
    found: Handle, count: Callable[[int], int], name: Callable[[int, int], bytes]
) -> tuple[str, ...]:
    return tuple(name(found.pointer, index).decode() for index in range(count(found.pointer)))


def _path(path: Path | None) -> bytes | None:
    if path is None:
        return None
    octets = os.fsencode(path)
    if b"\0" in octets:
        raise Error(f"{path!r}: no path has a NUL", "argument", 1)
    return octets
