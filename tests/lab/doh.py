#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""DNS over HTTPS (RFC 8484) in front of the lab's name server: POST, wire format, without TLS.

    doh.py NAMESERVER        such as 127.0.0.1:5300

Prints the URL to ask at and serves until its standard input ends. What the name server does wrong
comes through as it is; where it does not answer within a second, that is a 504.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PATH = "/dns-query"
MEDIA_TYPE = "application/dns-message"
PATIENCE = 1.0  # seconds
TRUNCATED = 0x02  # the bit TC in the third octet


def ask(nameserver: tuple[str, int], question: bytes) -> bytes:
    """One question by UDP, and by TCP if the answer is truncated."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(PATIENCE)
        udp.connect(nameserver)
        udp.send(question)
        answer = udp.recv(65535)
    if len(answer) < 3 or not answer[2] & TRUNCATED:
        return answer
    with socket.create_connection(nameserver, PATIENCE) as tcp, tcp.makefile("rb") as stream:
        tcp.sendall(struct.pack("!H", len(question)) + question)
        (size,) = struct.unpack("!H", stream.read(2))
        return stream.read(size)


class Handler(BaseHTTPRequestHandler):
    """One client."""

    protocol_version = "HTTP/1.1"
    nameserver = ("127.0.0.1", 53)
    wbufsize = 65536  # head and body leave in one write

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != PATH or self.headers["Content-Type"] != MEDIA_TYPE:
            return self.reply(415, b"")
        try:
            return self.reply(200, ask(self.nameserver, body))
        except OSError:
            return self.reply(504, b"")

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", MEDIA_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def main() -> None:
    host, port = sys.argv[1].rsplit(":", 1)
    Handler.nameserver = (host, int(port))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}{PATH}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
