# SPDX-License-Identifier: MIT OR Apache-2.0
"""Handles: they neither grow in number nor end too early, in threads and forks."""

from __future__ import annotations

import copy
import functools
import gc
import os
import pathlib
import pickle
import platform
import threading
import time
import traceback
from collections.abc import Callable

import pytest
from lab import Lab

import mtasts
from mtasts._handle import Handle

POLICY = b"version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 86400\n"
CYCLES = int(os.environ.get("MTASTS_CYCLES", "10000"))


def fresh() -> mtasts.Outcome:
    lookup = mtasts.Lookup("example.com")
    for answer in (
        None,
        mtasts.TxtAnswer(["v=STSv1; id=1;"]),
        mtasts.HttpsReply(200, "text/plain", POLICY),
    ):
        step = lookup.poll()
        assert step is not None
        lookup.submit(step, answer, 1767225600)
    return lookup.outcome()


def resident() -> int:
    """Memory of this process in KiB."""
    gc.collect()
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError


def cycle() -> None:
    """Makes one of each object, and each kind of error."""
    outcome = fresh()
    assert outcome.policy is not None and outcome.policy.matches("mx.example.com")
    assert outcome.verdict("mx.example.com").action is mtasts.Action.DELIVER
    assert outcome.stored and outcome.postfix()[1]
    record = mtasts.TlsrptRecord.select(["v=TLSRPTv1; rua=mailto:a@b.example"])
    assert outcome.tlsrpt_datagram(mtasts.Session("mx.example.com", mtasts.Tls.FAILED), record)
    counter = mtasts.ReportCounter()
    counter.session(1, outcome, mtasts.Session("mx.example.com", mtasts.Tls.FAILED))
    [report] = counter.take(None, "Sender", "", "sender.example")
    counter.add("example.com", mtasts.Report.parse(report.to_json()))
    assert report.policies[0].failures and report.file_name("sender.example", "example.com")
    mtasts.Lookup.again(outcome)
    for wrong in (
        lambda: mtasts.Policy.parse("mode: none\n"),
        lambda: mtasts.Lookup("a_b"),
        lambda: mtasts.Report.parse("{}"),
    ):
        try:
            wrong()
        except mtasts.Error:
            continue
        raise AssertionError


def alive() -> int:
    """How many handles there are."""
    gc.collect()
    gc.collect()
    return sum(isinstance(found, Handle) for found in gc.get_objects())


def test_ten_thousand_cycles_do_not_grow() -> None:
    for _ in range(CYCLES // 10):
        cycle()
    before, handles = resident(), alive()
    for _ in range(CYCLES):
        cycle()
    assert alive() == handles
    if platform.python_implementation() == "CPython":
        # A handle kept in each cycle would be some 10 MB. PyPy takes memory for itself.
        assert resident() - before < 2048


def test_hosts_do_not_grow(lab: Lab, tmp_path: pathlib.Path) -> None:
    def descriptors() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    def opened() -> None:
        with lab.host(store=tmp_path) as host:
            host.resolve("good.example")

    opened()
    before = descriptors()
    for _ in range(100):
        opened()
    assert descriptors() == before


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Runs `work` in threads, all at once, and raises what one of them raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            barrier.wait()
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_threads_share_what_is_immutable() -> None:
    outcome = fresh()
    policy = outcome.policy
    assert policy is not None

    def work(number: int) -> None:
        for _ in range(500):
            assert policy.matches("mx.example.com") and policy.mx == ("mx.example.com",)
            assert outcome.verdict("mx.example.net").action is mtasts.Action.DEFER

    in_threads(8, work)


def test_threads_take_turns_with_a_lookup() -> None:
    lookup = mtasts.Lookup("example.com")
    taken: list[int] = []

    def work(number: int) -> None:
        try:
            lookup.submit(0, None, 1767225600)
            taken.append(number)
        except mtasts.AnswerError:
            assert lookup.poll() is not None

    in_threads(8, work)
    assert len(taken) == 1


def test_a_host_that_is_closed_under_calls_ends_with_the_last(
    lab: Lab, tmp_path: pathlib.Path
) -> None:
    lab.set("good.example", "record=timeout")
    host = lab.host(store=tmp_path, dns_timeout=2)
    outcomes: list[mtasts.Outcome] = []

    def work(number: int) -> None:
        if number:
            outcomes.append(host.resolve("good.example"))
        else:
            lab.ask("wait", "dns", "7", "10000", "name=_mta-sts.good.example")
            host.close()
            with pytest.raises(mtasts.ClosedError):
                host.resolve("good.example")

    in_threads(8, work)
    assert [outcome.reason for outcome in outcomes] == [mtasts.Reason.DNS_TEMPORARY] * 7


def in_child(work: Callable[[], None]) -> None:
    """Runs `work` in a child of a fork, which has to end well."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_children_of_a_fork_use_what_they_inherit(lab: Lab, tmp_path: pathlib.Path) -> None:
    with lab.host(store=tmp_path) as host:
        outcome = host.resolve("good.example")
        lookup = mtasts.Lookup("example.com")

        def work(domain: str) -> None:
            assert outcome.policy is not None and outcome.policy.matches("mx1.good.example")
            assert host.resolve("good.example").basis is mtasts.Basis.CACHED
            assert host.resolve(domain).basis is mtasts.Basis.FRESH
            assert lookup.poll() is not None
            host.close()

        for number in range(3):
            in_child(functools.partial(work, f"d{number}.load.example"))
        # What the children have saved, the parent has.
        assert host.resolve("d0.load.example").basis is mtasts.Basis.CACHED


def test_a_fork_while_threads_look_up(lab: Lab, tmp_path: pathlib.Path) -> None:
    end = time.monotonic() + 60
    with lab.host(store=tmp_path) as host:
        over = threading.Event()

        def look_up() -> None:
            number = 0
            while not over.is_set() and time.monotonic() < end:
                host.resolve(f"d{number % 1000}.load.example")
                number += 1

        thread = threading.Thread(target=look_up)
        thread.start()
        try:
            for _ in range(5):
                in_child(lambda: None if host.resolve("good.example").policy else os._exit(2))
        finally:
            over.set()
            thread.join()


def test_a_handle_is_not_copied() -> None:
    with pytest.raises(TypeError, match="copied"):
        copy.copy(fresh()._handle)
    # PyPy stumbles over a structure of ctypes before it comes to the handle.
    with pytest.raises((TypeError, pickle.PicklingError), match="pickle"):
        pickle.dumps(fresh())
