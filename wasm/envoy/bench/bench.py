# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures the plugin in Envoy with wrk: the time of one request, and requests per second.

Each round measures everything in turn, so that what else the machine does hits all alike; the
median of the rounds counts.
"""

from __future__ import annotations

import copy
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from world import PLUGIN, Envoy, free_port, get, plugin_of  # noqa: E402

PATH = "/.well-known/mta-sts.txt"
POLICY = "mta-sts.example.com"
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}


def add_listeners(envoy: Envoy, empty: str) -> dict[str, int]:
    """One with an empty filter, one with none; each sends what the plugin serves."""
    ports = {}
    for name in ["empty", "native"]:
        listener = copy.deepcopy(envoy.listeners[0])
        listener["name"] = name
        ports[name] = free_port()
        listener["address"]["socket_address"]["port_value"] = ports[name]
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        manager["stat_prefix"] = name
        if name == "empty":
            config = plugin_of(listener)
            config.update(name="empty", root_id="empty")
            config["vm_config"] = copy.deepcopy(config["vm_config"])
            config["vm_config"]["vm_id"] = "empty"
            config["vm_config"]["code"]["local"]["filename"] = empty
            del config["configuration"]
        else:
            del manager["http_filters"][0]
        envoy.listeners.append(listener)
    return ports


def route_policy(envoy: Envoy) -> None:
    """Envoy's own direct response is a policy's text."""
    text = "version: STSv1\r\nmode: enforce\r\nmx: *.mail.example\r\nmax_age: 604800\r\n"
    for listener in envoy.listeners:
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        route = manager["route_config"]["virtual_hosts"][0]["routes"][0]
        route["direct_response"] = {"status": 200, "body": {"inline_string": text}}


def processor_time(pid: int) -> float:
    """What a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wrk(port: int, host: str, connections: int, seconds: int) -> tuple[float, float]:
    """The median latency in microseconds, and requests per second."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-H",
               f"Host: {host}", f"http://127.0.0.1:{port}{PATH}"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    median = re.search(r"50%\s+([0-9.]+)(us|ms|s)", text)
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", text)
    assert median and rate
    return float(median.group(1)) * UNITS[median.group(2)], float(rate.group(1))


def row(what: str, value: str, target: str = "", met: bool | None = None) -> None:
    """A line of the table."""
    word = {None: "", True: "yes", False: "NO"}[met]
    print(f"{what:<58} {value:>12} {target:>12} {word:>6}")


def main() -> None:
    """Measures and prints."""
    empty, seconds, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    ports: dict[str, int] = {}

    def change(envoy: Envoy) -> None:
        ports.update(add_listeners(envoy, empty))
        route_policy(envoy)

    envoy = Envoy(change=change, threads=1)
    try:
        cases = {"policy": (envoy.web, POLICY), "direct": (envoy.web, "www.example.com"),
                 "empty": (ports["empty"], POLICY), "native": (ports["native"], POLICY)}
        bodies = {name: get(port, PATH, host)[2] for name, (port, host) in cases.items()}
        assert len(set(bodies.values())) == 1, bodies
        times: dict[str, list[float]] = {name: [] for name in cases}
        rates: dict[str, list[float]] = {name: [] for name in cases}
        costs: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(rounds):
            for name, (port, host) in cases.items():
                times[name].append(wrk(port, host, 1, seconds)[0])
                used = processor_time(envoy.process.pid)
                rates[name].append(wrk(port, host, 16, seconds)[1])
                used = processor_time(envoy.process.pid) - used
                costs[name].append(rates[name][-1] * seconds / used)
    finally:
        envoy.close()
    report({name: statistics.median(found) for name, found in times.items()},
           {name: statistics.median(found) for name, found in rates.items()},
           [ratio(found, "policy", other) for other in ["empty", "native"]
            for found in [rates, costs]])


def ratio(rates: dict[str, list[float]], one: str, other: str) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(rates[one], rates[other], strict=True))


def report(times: dict[str, float], rates: dict[str, float], ratios: list[float]) -> None:
    """The table."""
    to_empty, cost_to_empty, to_native, cost_to_native = ratios
    size = Path(PLUGIN).stat().st_size / 1000
    added = times["policy"] - times["direct"]
    print("The Envoy plugin: one thread of Envoy, wrk on the same machine.")
    row("figure", "measured", "target", None)
    row("the plugin, octets", f"{size:.1f} KB", "350.0 KB", size <= 350)
    row("a served policy, added to a direct response, p50", f"{added:.0f} us", "100 us",
        added <= 100)
    row("  a served policy, p50", f"{times['policy']:.0f} us")
    row("  a direct response on the same listener, p50", f"{times['direct']:.0f} us")
    row("requests/s, ratio to an empty filter's", f"{to_empty:.2f}", "0.90", to_empty >= 0.9)
    row("  requests per second of processor time", f"{cost_to_empty:.2f}")
    row("requests/s, ratio to a direct response without filter", f"{to_native:.2f}")
    row("  requests per second of processor time", f"{cost_to_native:.2f}")
    for name, what in [("policy", "a served policy"), ("empty", "an empty filter"),
                       ("native", "a direct response without filter")]:
        row(f"  {what}", f"{rates[name]:.0f}/s")


if __name__ == "__main__":
    main()
