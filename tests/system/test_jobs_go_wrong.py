# SPDX-License-Identifier: BSD-2-Clause
"""Whatever a job does, only that job fails, with a reason that a person can read."""

import errno
import json
import os
import signal
import socket
import subprocess
import threading

import pytest

import kontor as library
from fastcgi import wait_until
from jobs import Belongings, ask, ask_patiently, end, look, start, wait_state
from test_jobs import make_house  # pylint: disable=unused-import
from test_registry import wires

MIB = 1 << 20


@pytest.fixture
def house(make_house):
    return make_house(workers="2")


ENDS = [
    ("crash", "", {}, "it crashed (segmentation fault)"),
    ("exhaust", "", {"memory": 128 * MIB}, "it needed more than 128 MiB of memory"),
    ("exhaust", "careless", {"memory": 128 * MIB}, "it needed more than 128 MiB of memory"),
    ("spin", "", {"cpu_ms": 1000}, "it used more than 1 s of processor time"),
    ("sleep", "", {"time_ms": 1000}, "it took longer than 1 s"),
    ("sleep", "deaf", {"time_ms": 1000}, "it took longer than 1 s"),
    ("flood", "", {"output": 4 * MIB}, "the result is larger than 4 MiB"),
    ("refuse", "shop", {}, "no such table: shop"),
    ("leave", "", {}, "it ended too early, with status 0"),
    ("die", "", {}, "it was killed by the system, probably because memory ran out"),
]


TAKEN_BY_SANITIZERS = ("crash", "exhaust", "leave")


@pytest.mark.parametrize("kind,argument,limits,reason", ENDS,
                         ids=[f"{kind}{argument}" for kind, argument, _, _ in ENDS])
def test_ends(house, kind, argument, limits, reason):
    """A broken report would take the service along, or fail without anybody knowing why."""
    if library.is_sanitized() and kind in TAKEN_BY_SANITIZERS:
        pytest.skip("the sanitizer takes crash and exit, and address space cannot be limited")
    workers = house.workers()
    belongings = Belongings(house, house.ram)
    job = end(house, "bad", kind, argument, **limits)
    assert (job["state"], job["reason"]) == ("failed", reason)
    assert ask(house, "GET", "/file", realm="r", id="bad")[0] == 404
    belongings.wait()
    assert house.workers() == workers
    assert end(house, "good", "count", 3)["state"] == "ready"


def test_says_what_it_said(house):
    """What a library prints before it crashes would be lost."""
    if library.is_sanitized():
        house.expects_reports = True
    end(house, "bad", "crash")
    house.wait_log("job r/bad: about to crash")


@pytest.mark.parametrize("network,local", [(0, 0), (1, 0), (0, 1)])
def test_sandbox(house, network, local):
    """A hole in a library that draws charts would be a hole into the network of the house."""
    belongings = Belongings(house, house.ram)
    job = end(house, "out", "reach", network=network, local=local)
    assert job["state"] == "ready", job
    reached = json.loads(job["result"])
    assert reached["inet"] == (0 if network else errno.EACCES)
    assert reached["local"] == (0 if local else errno.EACCES)
    assert [reached[name] for name in ("fork", "kill", "exec", "own", "memory")] == [
        errno.EPERM] * 5
    assert reached["fds"] == 5 and not reached["secret"]
    assert ask(house, "POST", "/delete", realm="r", id="out")[0] == 200
    belongings.wait()


def test_no_runner(make_house):
    """A wrong setting would look like a job that never ends."""
    house = make_house(workers="1", job_runner="/nonexistent/kontor-job")
    belongings = Belongings(house, house.ram)
    job = end(house, "none", "count", 1)
    assert (job["state"], job["reason"]) == (
        "failed", "/nonexistent/kontor-job did not start: No such file or directory")
    belongings.wait()


def test_no_directory(make_house):
    """The same for a directory that is not there."""
    house = make_house(workers="1", job_directory="/nonexistent")
    job = end(house, "none", "count", 1)
    assert (job["state"], job["reason"]) == (
        "failed", "no directory in /nonexistent: No such file or directory")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk in RAM")
def test_full_disk_in_ram(house):
    """A job that fills the disk in RAM would fail without a reason, and leave it full."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", house.ram], check=True)
    try:
        belongings = Belongings(house, house.ram)
        for number in range(2):  # the second finds all the room there was
            job = end(house, f"bad{number}", "litter")
            assert (job["state"], job["reason"]) == (
                "failed", "a temporary file: No space left on device")
            belongings.wait()
        assert end(house, "good", "count", 3)["state"] == "ready"
    finally:
        subprocess.run(["umount", "--lazy", house.ram], check=True)


def test_others_go_on(house):
    """One bad job would disturb the good ones beside it."""
    assert start(house, "slow", "sleep")[0] == 200
    wait_state(house, "slow", "running")
    for number, (kind, argument, limits, reason) in enumerate(ENDS):
        if kind in ("refuse", "die", "flood"):
            job = end(house, f"bad{number}", kind, argument, **limits)
            assert job["reason"] == reason
    assert look(house, "slow")["state"] == "running"
    assert ask(house, "POST", "/cancel", realm="r", id="slow", who="x")[0] == 200
    wait_state(house, "slow", "cancelled")


def test_registry_lost_while_it_starts(make_house):
    """Who orders a report just then would hear that all of theirs was deleted, not to try again."""
    house = make_house(workers="1")
    pid = house.status()["registry"]["pid"]
    wire, = wires(house)
    answers = []
    os.kill(pid, signal.SIGSTOP)
    visitor = threading.Thread(target=lambda: answers.append(start(house, "unlucky", "count", 3)))
    visitor.start()

    def has_asked():
        try:
            return b"job/r/unlucky" in wire.recv(1 << 16, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
    wait_until(has_asked, what="the job asks to be registered")
    wire.shutdown(socket.SHUT_RDWR)
    wire.close()
    visitor.join()
    os.kill(pid, signal.SIGCONT)
    assert answers[0][0] == 503, answers
    # The next worker starts it.
    status, _ = ask_patiently(house, "POST", "/start", realm="r", id="unlucky", kind="count",
                              argument=3)
    assert status in (200, 409)
    assert wait_state(house, "unlucky", "ready")
