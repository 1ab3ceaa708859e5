#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures `mtasts serve` as Postfix uses it (socketmap) against the barest server that can answer
(echo.c; tokio.rs is the same by tokio) and against postfix-mta-sts-resolver, in turns, all with
200 domains that they know. The clients have one processor and the servers another: what a query
costs would else hang on where the scheduler puts them. Prints each figure beside its target; all
go to build/bench-server.json. Nothing fails for being slow. `benches/run.sh server` builds what
this needs and runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from processes import PATIENCE, Failure, Lab, Server, free_port, mtasts_config

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCHES = ROOT / "benches"
BUILD = ROOT / "build"
RELEASE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"

DOMAINS = 200
PATTERN = "d{}.load.example"
POLICY = ["mx.load.example", "*.mail.load.example"]
REPLY = "OK secure match=mx.load.example:.mail.load.example servername=hostname"

# What is looked up only once: by the server and directly, without a store and with one.
COLD = ["a{}.cold.example", "b{}.cold.example", "c{}.cold.example", "d{}.cold.example"]


def scene(counts: dict[str, int]) -> str:
    """That of the lab. Records live a day, so that nothing known is looked up once more."""
    lines = ["[defaults]", "ttl = 86400", 'id = "20260101T000000"', 'policy = "enforce"']
    lines += ["max_age = 604800", f"policy_mx = {json.dumps(POLICY)}"]
    for pattern, count in counts.items():
        lines += ["[[bulk]]", f"count = {count}", f'pattern = "{pattern}"']
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Figure:
    """What was measured, and what it should be: at most or at least the target."""

    name: str
    value: float
    most: float | None = None
    least: float | None = None

    def target(self) -> str:
        """In words."""
        if self.most is not None:
            return f"<= {self.most:g}"
        return "" if self.least is None else f">= {self.least:g}"

    def met(self) -> str:
        """Whether it is as it should be."""
        if self.most is None and self.least is None:
            return ""
        low, high = self.least or float("-inf"), self.most or float("inf")
        return "PASS" if low <= self.value <= high else "MISS"


@dataclass
class Bench:
    """What all measurements share."""

    options: argparse.Namespace
    folder: pathlib.Path
    lab: Lab
    runs: list[dict[str, Any]] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def place(self, name: str) -> str:
        """A new address, of the kind that is measured."""
        return str(self.folder / name) if self.options.unix else f"127.0.0.1:{free_port()}"

    @contextmanager
    def mtasts(
        self, name: str, address: str, *, store: pathlib.Path | None, http: str | None = None
    ) -> Iterator[Server]:
        """`mtasts serve`."""
        config = self.folder / f"{name}.toml"
        config.write_text(mtasts_config(self.lab, address, store, http))
        command = [self.options.mtasts, "serve", "--config", config]
        with self.server("mtasts", address, command) as server:
            yield server

    @contextmanager
    def server(self, name: str, address: str, command: list[Any]) -> Iterator[Server]:
        """A server on its processor."""
        server = Server(name, address, command, self.options.server_cpu)
        try:
            yield server
        finally:
            server.close()

    def load(self, server: Server, connections: int, *words: Any) -> Any:
        """Asks for a while; what bench-load says."""
        command = [RELEASE / "bench-load", server.address, "--connections", connections]
        command += ["--pid", server.pid, "--seconds", self.options.seconds, *words]
        if self.options.client_cpu is not None:
            command = ["taskset", "-c", self.options.client_cpu, *command]
        return {"server": server.name, "connections": connections, **call(command)}

    def directory(self, name: str, parent: pathlib.Path | None = None) -> pathlib.Path:
        """A new folder."""
        folder = (parent or self.folder) / name
        folder.mkdir()
        return folder


def call(command: list[Any]) -> Any:
    """Runs a program that prints JSON."""
    words = [str(word) for word in command]
    done = subprocess.run(words, stdout=subprocess.PIPE, timeout=1800, check=False)
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)} failed")
    return json.loads(done.stdout)


def say(text: str) -> None:
    """What goes on."""
    print(f"bench: {text}", file=sys.stderr)


# The warm path, server by server.


def compare(bench: Bench) -> None:
    """All servers in turns, so that what else the machine does meets them alike."""
    options = bench.options
    with ExitStack() as stack:
        servers = start_all(bench, stack)
        for connections in options.connections:
            say(f"{connections} connections, {options.rounds} rounds")
            turns = range(options.rounds)
            rounds = [one_round(bench, servers, connections, turn) for turn in turns]
            bench.figures += compared(connections, rounds)


def start_all(bench: Bench, stack: ExitStack) -> list[Server]:
    """The servers, each knowing its domains; the echoes answer what `mtasts serve` answers."""
    servers, reply = [], REPLY
    if bench.options.mtasts:
        context = bench.mtasts("warm", bench.place("mtasts"), store=bench.directory("warm"))
        servers.append(stack.enter_context(context))
        reply = servers[0].ask("d0.load.example")
    commands = [("echo", [BUILD / "bench-echo"]), ("tokio", [RELEASE / "bench-tokio"])]
    python = BUILD / "peer/bin/python"
    if python.exists():
        commands.append(("resolver", [python, BENCHES / "peer.py"]))
    else:
        say("there is no build/peer: postfix-mta-sts-resolver is not measured")
    for name, command in commands:
        address = bench.place(name)
        place = address.removeprefix("127.0.0.1:")
        words = [DOMAINS, PATTERN, *POLICY] if name == "resolver" else [reply]
        context = bench.server(name, address, [*command, place, *words])
        servers.append(stack.enter_context(context))
    for server in servers:
        bench.load(server, 8)
    return servers


def one_round(
    bench: Bench, servers: list[Server], connections: int, turn: int
) -> dict[str, dict[str, float]]:
    """Each server once; every round another is the first."""
    first = turn % len(servers)
    order = servers[first:] + servers[:first]
    runs = {server.name: bench.load(server, connections) for server in order}
    bench.runs += runs.values()
    return runs


def compared(connections: int, rounds: list[dict[str, dict[str, float]]]) -> list[Figure]:
    """The medians of the ratios within the rounds."""

    def ratio(key: str, other: str) -> float:
        return statistics.median(one["mtasts"][key] / one[other][key] for one in rounds)

    if "mtasts" not in rounds[0]:
        return []
    at = f"{connections} connection{'s' if connections > 1 else ''}: "
    figures = [
        Figure(at + "queries a second, of the echo", ratio("qps", "echo"), least=0.95),
        Figure(at + "processor time, of the echo", ratio("cpu_us", "echo"), most=1.1),
        Figure(at + "p99, of the echo", ratio("p99_us", "echo"), most=1.2),
    ]
    if "resolver" in rounds[0]:
        is_many = connections > 1
        qps, cpu = ratio("qps", "resolver"), ratio("cpu_us", "resolver")
        figures += [
            Figure(at + "queries a second, of the resolver", qps, least=2 if is_many else None),
            Figure(at + "processor time, of the resolver", cpu, most=0.31 if is_many else None),
        ]
    return figures


# What `mtasts serve` costs by itself.


def memory(bench: Bench) -> None:
    """Idle, and with as many cached domains as are wanted, all of which are asked for."""
    count = bench.options.cached
    say(f"memory, empty and with {count} domains")
    with bench.mtasts("empty", bench.place("empty"), store=bench.directory("empty")) as server:
        for number in range(5):
            server.ask(PATTERN.replace("{}", str(number)))
        empty = server.memory()
    with tempfile.TemporaryDirectory(dir=bench.options.fill) as folder:
        domains = bench.folder / "domains"
        with domains.open("wb") as file:
            subprocess.run([RELEASE / "bench-fill", folder, str(count)], stdout=file, check=True)
        address, http = bench.place("full"), f"127.0.0.1:{free_port()}"
        with bench.mtasts("full", address, store=pathlib.Path(folder), http=http) as server:
            wait_until(lambda: get(http, "/healthz") is not None, "is not ready")
            run = bench.load(server, 8, "--domains", domains)
            line = f"mtasts_domains {count}"
            wait_until(lambda: line in (get(http, "/metrics") or "").split("\n"), f"lacks {line}")
            full = server.memory()
    bench.figures += [
        Figure("idle memory (RssAnon), MB", empty / 1e6, most=25),
        Figure(f"memory a cached domain of {count}, octets", (full - empty) / count, most=600),
        Figure(f"queries a second with {count} domains, 8 connections", run["qps"]),
    ]


def get(http: str, path: str) -> str | None:
    """A page, if it is there."""
    try:
        with urllib.request.urlopen(f"http://{http}{path}", timeout=PATIENCE) as reply:
            text: str = reply.read().decode()
            return text
    except OSError:
        return None


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Until the server is as it should be."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise Failure(f"mtasts {what}")
        time.sleep(0.1)


def idle(bench: Bench) -> None:
    """Many connections that are held open while a few ask."""
    count = bench.options.idle
    say(f"{count} idle connections")
    ratios, octets = [], []
    with bench.mtasts("idle", bench.place("idle"), store=None) as server:
        bench.load(server, 8)
        for _ in range(min(3, bench.options.rounds)):
            without = bench.load(server, 8)
            run = bench.load(server, 8, "--idle", count)
            bench.others += [{"what": "without idle", **without}, {"what": "idle", **run}]
            ratios.append(run["qps"] / without["qps"])
            octets.append((run["rss_anon"] - run["rss_anon_before_idle"]) / count)
            server.wait_for_clients_to_go()
    bench.figures += [
        Figure(
            f"queries a second beside {count} idle connections, of without",
            statistics.median(ratios),
        ),
        Figure("memory an idle connection, octets", max(octets)),
    ]


def cold(bench: Bench) -> None:
    """What the server adds to a look-up that it has to make, without a store and with one."""
    say(f"{bench.options.cold} look-ups of each kind")
    for name, patterns, most in (("without a store", COLD[:2], 1.0), ("with one", COLD[2:], None)):
        run = cold_run(bench, *patterns, is_kept=most is None)
        bench.others.append({"what": f"cold {name}", **run})
        added = (run["served_p50_us"] - run["direct_p50_us"]) / 1000
        bench.figures += [
            Figure(f"a direct look-up, {name}, ms", run["direct_p50_us"] / 1000),
            Figure("  what the server adds, ms", added, most=most),
        ]


def cold_run(bench: Bench, served: str, direct: str, *, is_kept: bool) -> Any:
    """By a fresh server, over TCP."""
    info, address = bench.lab.info, f"127.0.0.1:{free_port()}"
    stores = [bench.directory(kind) for kind in ("served", "direct")] if is_kept else []
    with bench.mtasts(served[0], address, store=stores[0] if stores else None):
        command = [RELEASE / "bench-cold", address, "--count", bench.options.cold]
        command += ["--served", served, "--direct", direct, "--nameserver", info["dns"]]
        command += ["--https-port", info["https_port"], "--ca-file", info["ca_file"]]
        return call(command + (["--store", stores[1]] if stores else []))


# The report.


def medians(runs: list[dict[str, Any]]) -> Iterator[str]:
    """The servers, beside each other."""
    keys = ("qps", "cpu_us", "own_cpu_us", "busy", "own_busy", "p50_us", "p99_us", "p999_us")
    yield f"{'':11} {'server':9}" + "".join(f"{key:>11}" for key in keys)
    groups: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for run in runs:
        groups.setdefault((run["connections"], run["server"]), []).append(run)
    for (connections, name), group in sorted(groups.items()):
        values = [statistics.median(run[key] for run in group) for key in keys]
        cells = "".join(f"{value:11.0f}" if value >= 1000 else f"{value:11.2f}" for value in values)
        is_limited = values[4] > max(values[3], 0.9)
        note = "  limited by the clients" if is_limited else ""
        yield f"{connections:>3} clients {name:9}{cells}{note}"


def machine(bench: Bench) -> dict[str, Any]:
    """Where and with what this was measured."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    options = {key: value for key, value in vars(bench.options).items() if key != "mtasts"}
    return {
        "processor": found[1] if found else platform.machine(),
        "kernel": platform.release(),
        "load": os.getloadavg()[0],
        "resolver": peer_versions(),
        "options": {key: value for key, value in options.items() if value is not None},
    }


def peer_versions() -> str:
    """Of what is in the venv."""
    code = (
        "from importlib.metadata import version as v; from platform import python_version as p;"
        "print(v('postfix-mta-sts-resolver'), 'uvloop', v('uvloop'), 'Python', p())"
    )
    python = BUILD / "peer/bin/python"
    if not python.exists():
        return "none"
    return subprocess.check_output([python, "-c", code], text=True).strip()


def report(bench: Bench) -> None:
    """The tables, and the file."""
    facts = machine(bench)
    print(
        f"\nThe policy server, on {facts['processor']}, Linux {facts['kernel']}, "
        f"load {facts['load']:.1f};\nresolver {facts['resolver']}. Medians; own: the clients'.\n"
    )
    if bench.runs:
        print("\n".join(medians(bench.runs)))
    if bench.figures:
        print(f"\n{'figure':62} {'measured':>10} {'target':>8}")
    for figure in bench.figures:
        value = f"{figure.value:.0f}" if figure.value >= 1000 else f"{figure.value:.3g}"
        print(f"{figure.name:62} {value:>10} {figure.target():>8} {figure.met()}".rstrip())
    figures = [{**asdict(figure), "met": figure.met()} for figure in bench.figures]
    everything = {"machine": facts, "figures": figures, "runs": bench.runs, "others": bench.others}
    (BUILD / "bench-server.json").write_text(json.dumps(everything, indent=1) + "\n")


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure mtasts serve.")
    parser.add_argument("--quick", action="store_true", help="small: see whether it works")
    parser.add_argument("--seconds", type=float, help="how long a measurement takes")
    parser.add_argument("--rounds", type=int, help="how often each is repeated")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--cached", type=int, help="domains for the memory a domain takes")
    parser.add_argument("--idle", type=int, help="idle connections")
    parser.add_argument("--cold", type=int, help="look-ups of each kind")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    parser.add_argument("--unix", action="store_true", help="Unix sockets instead of TCP")
    parser.add_argument("--unpinned", action="store_true", help="any processor for any process")
    parser.add_argument("--fill", default="/dev/shm", help="where the large store is")
    parser.add_argument("--mtasts", default=str(BUILD / "bin/mtasts"), help="the command; or none")
    options = parser.parse_args()
    size = (0.5, 2, 10_000, 1000, 20) if options.quick else (2.0, 7, 1_000_000, 10_000, 200)
    for name, value in zip(("seconds", "rounds", "cached", "idle", "cold"), size, strict=True):
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.mtasts = None if options.mtasts == "none" else options.mtasts
    cpus = sorted(os.sched_getaffinity(0))
    is_pinned = len(cpus) > 1 and not options.unpinned
    options.client_cpu, options.server_cpu = (cpus[0], cpus[-1]) if is_pinned else (None, None)
    return options


def raise_limits(options: argparse.Namespace) -> None:
    """Descriptors for all idle connections; the children inherit them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < options.idle + 200:
        options.idle = hard - 200
        say(f"no more than {hard} descriptors are allowed: {options.idle} idle connections")


PARTS = {"compare": compare, "memory": memory, "idle": idle, "cold": cold}


def main() -> int:
    """Measures all, or the parts that are named."""
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    raise_limits(options)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = pathlib.Path(name)
        patterns = [PATTERN, *COLD]
        counts = [DOMAINS, *[options.cold] * len(COLD)]
        lab = Lab(RELEASE / "lab", folder / "lab", scene(dict(zip(patterns, counts, strict=True))))
        stack.callback(lab.close)
        bench = Bench(options, folder, lab)
        for part in options.only:
            if part == "compare" or options.mtasts:
                PARTS[part](bench)
        report(bench)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"bench: {failure}")
