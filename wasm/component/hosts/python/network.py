# SPDX-License-Identifier: MIT OR Apache-2.0
"""The two questions that only a host can answer: DNS by dnspython, HTTPS by the standard library."""

from __future__ import annotations

import errno
import http.client
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.resolver

#: What this machine lacks is not the domain's fault: the mail waits.
_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class TxtFailure(Exception):
    """A TXT query without an answer: `no-records` with the negative TTL, `temporary`."""

    def __init__(self, word: str, ttl: int | None = None) -> None:
        super().__init__(word)
        self.word = word
        self.ttl = ttl


class FetchFailure(Exception):
    """A request without a whole reply, by its word of the WIT."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass
class Reply:
    """What a Policy Host said."""

    status: int
    content_type: str | None
    body: bytes


class Network:
    """A name server, roots, and the port of HTTPS."""

    def __init__(self, nameserver: tuple[str, int] | None = None, ca_file: str | None = None,
                 https_port: int = 443, allow_non_global: bool = False) -> None:
        """Without a name server those of the system, without `ca_file` its roots.
        `allow_non_global`: for tests; the domain chooses the name, and so the address."""
        self._resolver = dns.resolver.Resolver(configure=nameserver is None)
        if nameserver is not None:
            self._resolver.nameservers = [nameserver[0]]
            self._resolver.port = nameserver[1]
        self._resolver.lifetime = 8
        self._tls = ssl.create_default_context(cafile=ca_file)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._tls.hostname_checks_common_name = False
        self._port = https_port
        self._allow_non_global = allow_non_global

    def txt(self, name: str) -> tuple[list[list[bytes]], int]:
        """All TXT records of `name`, each as its strings, and the least TTL on the way."""
        try:
            answer = self._resolver.resolve(name + ".", "TXT")
        except dns.resolver.NXDOMAIN as error:
            response = error.response(next(iter(error.qnames())))
            raise TxtFailure("no-records", _negative_ttl(response)) from error
        except dns.resolver.NoAnswer as error:
            raise TxtFailure("no-records", _negative_ttl(error.response())) from error
        except dns.exception.DNSException as error:
            raise TxtFailure("temporary") from error
        records = [list(record.strings) for record in answer]
        return records, answer.chaining_result.minimum_ttl

    def get(self, host: str, path: str, timeout: float, max_body: int) -> Reply:
        """One GET request, within `timeout` seconds for all of it."""
        late = threading.Event()
        sockets: list[socket.socket] = []

        def stop() -> None:
            late.set()
            for opened in sockets:
                _shut(opened)

        watch = threading.Timer(timeout, stop)
        watch.start()
        try:
            return self._exchange(self._connect(host, timeout, sockets), host, path, max_body)
        except FetchFailure as failure:
            raise FetchFailure("timeout") if late.is_set() else failure from failure
        finally:
            watch.cancel()
            for opened in sockets:
                opened.close()

    def _addresses(self, host: str) -> list[str]:
        try:
            found = self._resolver.resolve_name(host + ".")
        except dns.exception.DNSException as error:
            raise FetchFailure("dns") from error
        return [address for address in found.addresses() if self._may_connect(address)]

    def _may_connect(self, address: str) -> bool:
        return self._allow_non_global or ipaddress.ip_address(address).is_global

    def _connect(self, host: str, timeout: float, sockets: list[socket.socket]) -> ssl.SSLSocket:
        failure = FetchFailure("connect")
        for address in self._addresses(host):
            try:
                plain = socket.create_connection((address, self._port), timeout)
                sockets.append(plain)
                # Else a connection that was cut would look like the end of the body.
                secured = self._tls.wrap_socket(plain, server_hostname=host,
                                                suppress_ragged_eofs=False)
                sockets.append(secured)
                return secured
            except ssl.SSLCertVerificationError as error:
                raise FetchFailure("web-pki") from error
            except OSError as error:
                if error.errno in _SHORTAGES:
                    raise FetchFailure("local") from error
        raise failure

    def _exchange(self, stream: ssl.SSLSocket, host: str, path: str, max_body: int) -> Reply:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        try:
            stream.sendall(request.encode("ascii"))
            reply = http.client.HTTPResponse(stream, method="GET")
            reply.begin()
            body = reply.read(max_body + 1)
            is_whole = reply.isclosed() or not reply.read(1)
        except http.client.HTTPException as error:
            raise FetchFailure("other") from error
        except OSError as error:
            raise FetchFailure("connect") from error
        if len(body) > max_body:
            raise FetchFailure("body-too-large")
        if not is_whole or reply.length:
            raise FetchFailure("connect")
        content_types = reply.headers.get_all("Content-Type")
        content_type = ", ".join(content_types) if content_types else None
        return Reply(reply.status, content_type, body)


def _negative_ttl(response: dns.message.Message) -> int | None:
    """RFC 2308 §5; none where the name server does not say."""
    has_soa = any(rrset.rdtype == dns.rdatatype.SOA for rrset in response.authority)
    if not has_soa or not isinstance(response, dns.message.QueryMessage):
        return None
    return response.resolve_chaining().minimum_ttl


def _shut(opened: socket.socket) -> None:
    try:
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
    except OSError:
        pass  # it was never connected, or is closed
