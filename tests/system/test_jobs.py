# SPDX-License-Identifier: BSD-2-Clause
"""Jobs: one for all who ask, its progress, its turn, its result for as long as it is kept."""

import json
import os
import signal
import socket
import threading
import time

import pytest

from fastcgi import wait_until
import kontor as library
from jobs import Belongings, ask, ask_patiently, end, look, runners, start, wait_state
from test_registry import Store


@pytest.fixture
def make_house(make_kontor, folder):
    def make(start=True, **settings):
        directory = folder / "ram"
        directory.mkdir(exist_ok=True)
        house = make_kontor(plugins=("jobs",), start=start, sections={"jobs": {"word": "sesame"}}, settings={
            "workers": "3", "quarantine_crashes": 0, "jobs_max": 4,
            "job_directory": str(directory), **settings})
        house.ram = directory
        return house
    return make


@pytest.fixture
def house(make_house):
    return make_house()


@pytest.fixture
def gates(folder):
    """Files that jobs of the kind "gate" wait for: gates("a") is a path, .open("a") lets through."""
    class Gates:
        def __call__(self, name):
            return str(folder / f"gate-{name}")

        def open(self, name):
            (folder / f"gate-{name}").touch()
    return Gates()


def test_counts(house):
    """A report would never get ready, or not be what it says."""
    belongings = Belongings(house, house.ram)
    job = end(house, "one", "count", 3, title="Three \"rows\"", who="ada")
    assert job["state"] == "ready", job
    assert (job["title"], job["who"], job["reason"]) == ('Three "rows"', "ada", "")
    # The plugin's own section of the configuration is there in the job as well.
    assert json.loads(job["result"]) == {"rows": 3, "word": "sesame"}
    assert 0 < job["queued_ms"] <= job["started_ms"] <= job["ended_ms"] < job["expires_ms"]
    assert job["bytes"] == 6
    assert ask(house, "GET", "/file", realm="r", id="one") == (200, "0\n1\n2\n")
    assert start(house, "one", "count", 3)[0] == 409
    assert ask(house, "POST", "/delete", realm="r", id="one")[0] == 200
    assert look(house, "one") is None
    belongings.wait()


def test_input_waits_with_the_job(house, gates):
    """A report of one's own calendar would be empty when it had to wait for its turn."""
    belongings = Belongings(house, house.ram)
    busy = [f"busy{number}" for number in range(8)]
    for name in busy:
        start(house, name, "gate", gates("busy"))
    text = "what somebody gave" * 100
    assert start(house, "mine", "copy", input=text)[0] == 200
    assert look(house, "mine")["state"] == "queued"
    gates.open("busy")
    assert wait_state(house, "mine", "ready")
    assert ask(house, "GET", "/file", realm="r", id="mine") == (200, text)
    assert end(house, "none", "copy")["reason"] == "there is no input"
    for name in [*busy, "mine", "none"]:
        wait_until(lambda: look(house, name)["state"] in ("ready", "failed"), what=name)
        ask(house, "POST", "/delete", realm="r", id=name)
    belongings.wait()


def test_one_job_for_all(house, gates):
    """Everybody who clicks would start the same computation once more."""
    answers = []
    count = 300
    barrier = threading.Barrier(count)

    def visit():
        barrier.wait()
        answers.append(start(house, "popular", "gate", gates("popular"), wait=1))
    threads = [threading.Thread(target=visit) for _ in range(count)]
    for thread in threads:
        thread.start()
    wait_state(house, "popular", "running")
    wait_until(lambda: house.requests() == count, what="all wait")
    assert len(runners(house)) == 1
    gates.open("popular")
    for thread in threads:
        thread.join()
    assert {(status, job["state"]) for status, job in answers} == {(200, "ready")}
    assert len({job["started_ms"] for _, job in answers}) == 1
    assert len({job["worker"] for _, job in answers}) == 3


def test_follow(house, gates):
    """Somebody who waits would see nothing move, or wait for ever."""
    assert start(house, "watched", "gate", gates("watched"))[0] == 200
    seen = []
    thread = threading.Thread(
        target=lambda: seen.extend(ask(house, "GET", "/follow", realm="r", id="watched")[1]))
    thread.start()
    wait_until(lambda: (look(house, "watched") or {}).get("phase") == "waiting", what="its phase")
    gates.open("watched")
    thread.join()
    assert seen[-1]["state"] == "ready"
    assert "running" in [job["state"] for job in seen]
    job = end(house, "rows", "count", 200000)
    assert job["state"] == "ready" and job["bytes"] == len("".join(f"{n}\n" for n in range(200000)))


def test_queue(make_house, gates):
    """Jobs would run all at once, or those who wait would not know how long."""
    house = make_house(jobs_max=2, job_queue=4, job_queue_realm=3)
    for number in range(2):
        assert start(house, f"first{number}", "gate", gates("all"), realm="a")[0] == 200
    for number in range(2):
        wait_state(house, f"first{number}", "running", "a")
    for number in range(3):
        assert start(house, f"queued{number}", "gate", gates("all"), realm="a")[0] == 200
    assert start(house, "queued3", "gate", gates("all"), realm="a")[0] == 429  # of this realm
    assert start(house, "late", "gate", gates("all"), realm="b")[0] == 200
    assert start(house, "later", "gate", gates("all"), realm="b")[0] == 429  # of all
    assert start(house, "queued1", "gate", gates("all"), realm="a")[0] == 409  # joining is no load

    def positions():
        return [look(house, name, realm)["position"] for name, realm in (
            ("late", "b"), ("queued0", "a"), ("queued1", "a"), ("queued2", "a"))]
    # Fair between realms: b has nothing running.
    wait_until(lambda: positions() == [1, 2, 3, 4], what="everybody knows the own position")
    assert len(runners(house)) == 2
    assert ask(house, "POST", "/cancel", realm="a", id="queued0", who="ada")[0] == 200
    assert wait_state(house, "queued0", "cancelled", "a")["reason"] == "ada"
    wait_until(lambda: look(house, "queued1", "a")["position"] == 2, what="others move up")
    gates.open("all")
    for name, realm in (("late", "b"), ("queued1", "a"), ("queued2", "a"), ("first0", "a")):
        wait_state(house, name, "ready", realm)
    assert start(house, "later", "gate", gates("all"), realm="b")[0] == 200


def test_many(make_house):
    """Two hundred people who want a report each would not all get one."""
    house = make_house(jobs_max=4, job_queue=300)
    belongings = Belongings(house, house.ram)
    began = time.monotonic()
    for number in range(200):
        assert start(house, f"n{number}", "count", 10, realm=f"realm{number % 5}")[0] == 200
    for number in range(200):
        status, job = ask(house, "GET", "/wait", realm=f"realm{number % 5}", id=f"n{number}")
        assert (status, job["state"]) == (200, "ready"), job
    print(f"200 jobs in {time.monotonic() - began:.2f} s")
    assert len(ask(house, "GET", "/list")[1]) == 200
    assert len(ask(house, "GET", "/list", realm="realm3")[1]) == 40
    for number in range(200):
        assert ask(house, "POST", "/delete", realm=f"realm{number % 5}", id=f"n{number}")[0] == 200
    belongings.wait()


def test_cancel(house, gates):
    """A job that nobody wants any more would go on for hours."""
    belongings = Belongings(house, house.ram)
    assert start(house, "long", "gate", gates("never"))[0] == 200
    wait_until(lambda: (look(house, "long") or {}).get("phase") == "waiting", what="it runs")
    assert ask(house, "POST", "/delete", realm="r", id="long")[0] == 429
    assert ask(house, "POST", "/cancel", realm="r", id="long", who="ada")[0] == 200
    job = wait_state(house, "long", "cancelled")
    assert job["reason"] == "ada"
    assert ask(house, "POST", "/cancel", realm="r", id="long", who="bob")[0] == 410
    assert ask(house, "GET", "/file", realm="r", id="long")[0] == 404
    assert ask(house, "POST", "/cancel", realm="r", id="unknown", who="bob")[0] == 404
    belongings.wait()
    # Who does not listen is killed.
    assert start(house, "deaf", "sleep", "deaf")[0] == 200
    wait_until(lambda: runners(house), what="it runs")
    wait_state(house, "deaf", "running")
    time.sleep(0.1)  # until it ignores the signal; too early and it would just end
    assert ask(house, "POST", "/cancel", realm="r", id="deaf", who="ada")[0] == 200
    wait_state(house, "deaf", "cancelled")
    belongings.wait()
    # Then it can be started anew, by one of many.
    assert end(house, "long", "count", 1)["state"] == "ready"


def test_again_after_the_end(house):
    """After a failure two people who try again would start two jobs, or none."""
    for round_ in range(5):
        assert end(house, "again", "refuse", "x")["state"] == "failed"
        answers = []
        barrier = threading.Barrier(40)

        def visit():
            barrier.wait()
            answers.append(start(house, "again", "sleep"))
        threads = [threading.Thread(target=visit) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(status for status, _ in answers) == [200] + [409] * 39, answers
        assert ask(house, "POST", "/cancel", realm="r", id="again", who="x")[0] == 200
        wait_state(house, "again", "cancelled")
        assert ask(house, "POST", "/delete", realm="r", id="again")[0] == 200, round_


def test_retention(house):
    """A result would stay for ever, or go too early, and nobody could tell why."""
    belongings = Belongings(house, house.ram)
    job = end(house, "short", "count", 1, retention_ms=700)
    assert job["state"] == "ready" and job["expires_ms"] - job["ended_ms"] == 700
    assert ask(house, "GET", "/file", realm="r", id="short")[0] == 200
    wait_state(house, "short", "expired")
    assert ask(house, "GET", "/file", realm="r", id="short")[0] == 404
    belongings.wait()
    assert end(house, "short", "count", 1, retention_ms=700)["state"] == "ready"
    assert ask(house, "POST", "/extend", realm="r", id="short", retention_ms=3600000)[0] == 200
    left = look(house, "short")["expires_ms"] - time.time() * 1000
    assert 3590000 < left < 3600001
    time.sleep(1)  # longer than it would have been kept
    assert look(house, "short")["state"] == "ready"
    assert ask(house, "POST", "/extend", realm="r", id="none", retention_ms=1)[0] == 404


def test_memory_is_bounded(make_house):
    """Kept results would fill the machine's memory."""
    house = make_house(registry_files="8M")
    for number in range(3):
        job = end(house, f"n{number}", "fill", 2, retention_ms=3600000 + 1000 * (number != 1))
        assert job["state"] == "ready", job
    # n0 is the oldest, so it makes room, though n1 would expire before it.
    assert end(house, "n3", "fill", 3)["state"] == "ready"
    wait_state(house, "n0", "expired")
    assert [look(house, f"n{n}")["state"] for n in (1, 2, 3)] == ["ready"] * 3
    job = end(house, "huge", "fill", 9)
    assert job["state"] == "failed"
    assert job["reason"] == "its result is larger than all results together may be (8 MiB)"
    assert [look(house, f"n{n}")["state"] for n in (1, 2, 3)] == ["ready"] * 3


def test_download_keeps_its_result(make_house):
    """A report would be thrown away for another one while somebody downloads it."""
    house = make_house(registry_files="8M")
    size = 3 << 20  # more than a socket holds, so that who does not read keeps it going

    def download(name):
        client = house.client()
        client.start(f"/api/jobs/stream?realm=r&id={name}", keep=False)
        wait_until(lambda: client.socket.recv(1, socket.MSG_PEEK), what="it has begun")
        return client
    for name in ("old", "young"):
        assert end(house, name, "fill", 3)["state"] == "ready"
    with download("old") as first:
        assert end(house, "third", "fill", 3)["state"] == "ready"
        wait_state(house, "young", "expired")
        with download("third") as second:
            job = end(house, "fourth", "fill", 3)
            assert (job["state"], job["reason"]) == (
                "failed", "no room for its result: the others are being downloaded")
            # Deleted by a person, or expired, it is still whole for who has begun.
            assert ask(house, "POST", "/delete", realm="r", id="third")[0] == 200
            assert len(second.read_response().body) == size
        assert look(house, "old")["state"] == "ready"
        assert len(first.read_response().body) == size
    wait_until(lambda: house.requests() == 0, what="nobody downloads")
    for name in ("fourth", "fifth"):
        assert end(house, name, "fill", 3)["state"] == "ready"
    wait_state(house, "old", "expired")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_restart(make_house, folder, how):
    """An upgrade of the package would throw finished reports away, or run them on for ever."""
    house = make_house(start=False)
    store = Store(folder)
    try:
        store.start(house)
        assert end(house, "done", "count", 2, title="Two", who="ada")["state"] == "ready"
        assert end(house, "short", "count", 1, retention_ms=8000)["state"] == "ready"
        assert end(house, "bad", "refuse", "t")["state"] == "failed"
        wait_until(lambda: store.read() or len(store.fds) == 3, what="all are stored")
        assert start(house, "running", "sleep")[0] == 200
        wait_until(lambda: runners(house), what="it runs")
        pids = runners(house)
        house.process.send_signal(how)
        house.process.wait(library.STOP_TIMEOUT)
        house.process = None
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), what="the end")
        store.read()
        store.start(house)
        assert ask(house, "GET", "/file", realm="r", id="done") == (200, "0\n1\n")
        job = look(house, "done")
        assert (job["state"], job["title"], job["who"]) == ("ready", "Two", "ada")
        assert look(house, "bad")["reason"] == "no such table: t"
        assert (look(house, "running") or {"state": "failed"})["state"] == "failed"
        wait_until(lambda: os.listdir(house.ram) == [], what="its directory is gone")
        wait_state(house, "short", "expired")
        assert ask(house, "POST", "/delete", realm="r", id="done")[0] == 200
        assert end(house, "done", "count", 1)["state"] == "ready"
    finally:
        store.close()


def test_reload(make_house, gates):
    """A changed setting would throw finished reports away, and those in the making."""
    house = make_house(drain_timeout="20s")
    assert end(house, "done", "count", 2)["state"] == "ready"
    assert start(house, "running", "gate", gates("reload"))[0] == 200
    wait_state(house, "running", "running")
    assert house.control("reload").returncode == 0
    assert ask_patiently(house, "GET", "/file", realm="r", id="done") == (200, "0\n1\n")
    assert look(house, "running")["state"] == "running"
    gates.open("reload")
    wait_state(house, "running", "ready")
    # Its worker is gone by and by; nobody owns the results any more, and they can be handled.
    wait_until(lambda: len(house.status()["workers"]) == 3, what="the old workers are gone")
    assert ask(house, "GET", "/file", realm="r", id="running") == (200, "through\n")
    assert ask(house, "POST", "/extend", realm="r", id="done", retention_ms=1500)[0] == 200
    assert ask(house, "POST", "/delete", realm="r", id="running")[0] == 200
    wait_state(house, "done", "expired")
    assert start(house, "running", "count", 1, wait=1)[0] == 200


def test_reload_does_not_wait_for_ever(make_house, gates):
    """A job that takes hours would keep old workers alive, or vanish without a word."""
    house = make_house(drain_timeout="6s")
    assert start(house, "long", "gate", gates("never"))[0] == 200
    wait_state(house, "long", "running")
    assert house.control("reload").returncode == 0
    job = wait_state(house, "long", "failed")
    assert job["reason"] == "it was interrupted: kontor was given a new configuration"


@pytest.mark.parametrize("how", ["stop", "reload"])
def test_who_waits_does_not_hold_up_the_end(make_house, gates, how):
    """Who waits for a job, and the job, would wait for each other until both are killed."""
    house = make_house(workers="1", drain_timeout="8s")
    assert start(house, "long", "gate", gates("never"))[0] == 200
    wait_state(house, "long", "running")
    with house.client() as client:
        client.start("/api/jobs/follow?realm=r&id=long", keep=False)
        house.wait_requests(1)
        if how == "stop":
            house.signal(signal.SIGTERM)
        else:
            assert house.control("reload").returncode == 0
        answer = client.read_response()
        assert b"it was interrupted: kontor was" in answer.stdout
    house.stop()
    assert "drain_timeout" not in house.log()
    assert os.listdir(house.ram) == []


def test_what_runners_leave_is_removed(house):
    """What a job had written when its worker was killed would stay in RAM until the next start."""
    (house.ram / "kontor-job-AbCdEf" / "inner").mkdir(parents=True)
    (house.ram / "kontor-job-AbCdEf" / "inner" / "file").write_text("rows")
    (house.ram / "another").mkdir()
    wait_until(lambda: os.listdir(house.ram) == ["another"], 20, "it is removed")


def test_stop(house, gates):
    """An administrator who stops kontor would have to wait for somebody's report."""
    assert start(house, "long", "gate", gates("never"))[0] == 200
    wait_state(house, "long", "running")
    pids = runners(house)
    began = time.monotonic()
    house.stop()
    assert time.monotonic() - began < 8
    assert pids and not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert os.listdir(house.ram) == []


def worker_of(kontor, pid):
    """The worker that has started this runner."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])


def test_worker_killed(house, gates):
    """Everybody who waits for a job would wait for ever when its worker crashes."""
    assert end(house, "kept", "count", 2)["state"] == "ready"
    assert start(house, "lost", "gate", gates("never"))[0] == 200
    wait_until(lambda: (look(house, "lost") or {}).get("phase") == "waiting", what="it runs")
    runner, = runners(house)
    victim = worker_of(house, runner)
    ends = []

    def wait():
        while True:  # some of these are in the worker that dies
            try:
                answer = ask(house, "GET", "/wait", realm="r", id="lost")
                if answer[0] != 404:  # who comes anew may come a moment before it is told
                    ends.append(answer)
                    return
            except Exception:  # pylint: disable=broad-except
                pass
    threads = [threading.Thread(target=wait) for _ in range(12)]
    for thread in threads:
        thread.start()
    wait_until(lambda: house.requests() == 12, what="all wait")
    os.kill(victim, signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert {(status, job["state"], job["reason"]) for status, job in ends} == {
        (200, "failed", "it was interrupted, since the worker that ran it ended")}
    wait_until(lambda: not os.path.exists(f"/proc/{runner}"), what="its OS process is gone")
    wait_until(lambda: os.listdir(house.ram) == [], what="its directory is gone")
    assert ask_patiently(house, "GET", "/file", realm="r", id="kept") == (200, "0\n1\n")
    assert ask_patiently(house, "POST", "/start", realm="r", id="lost", kind="count", argument=1,
                         wait=1)[1]["state"] == "ready"
    # Whoever gave the turns: somebody still does, whichever worker dies.
    for round_ in range(4):
        os.kill(house.workers()[0], signal.SIGKILL)
        job = ask_patiently(house, "POST", "/start", realm="r", id=f"after{round_}", kind="count",
                            argument=1, wait=1)[1]
        assert job.get("state") == "ready", job
        wait_until(lambda: len(house.workers()) == 3, what="three workers")
    assert ask_patiently(house, "GET", "/file", realm="r", id="kept") == (200, "0\n1\n")


def test_registry_killed(house, gates):
    """The one process all rely on would take finished reports along, or jobs would stay for ever."""
    assert end(house, "kept", "count", 2)["state"] == "ready"
    assert end(house, "failed", "refuse", "t")["state"] == "failed"
    assert start(house, "lost", "gate", gates("never"))[0] == 200
    wait_state(house, "lost", "running")
    workers = house.workers()
    os.kill(house.status()["registry"]["pid"], signal.SIGKILL)
    wait_until(lambda: len(house.workers()) == 3 and not set(house.workers()) & set(workers),
               what="all workers are replaced")
    assert ask_patiently(house, "GET", "/file", realm="r", id="kept") == (200, "0\n1\n")
    assert look(house, "failed")["reason"] == "no such table: t"
    assert look(house, "lost") is None
    wait_until(lambda: os.listdir(house.ram) == [], what="its directory is gone")
    assert end(house, "lost", "count", 1)["state"] == "ready"


def test_kontorctl(house, gates):
    """An operator could neither see nor end what makes the machine slow."""
    assert house.control("jobs").stdout == "no jobs\n"
    assert end(house, "done", "count", 2, title="Two rows", who="ada")["state"] == "ready"
    assert start(house, "long", "gate", gates("never"), title="Long one", who="bob")[0] == 200
    wait_until(lambda: (look(house, "long") or {}).get("phase") == "waiting", what="it runs")

    def lines():
        return {line.split()[1]: line for line in house.control("jobs").stdout.splitlines()[1:]}
    found = lines()
    assert "ready" in found["done"] and "Two rows" in found["done"] and "ada" in found["done"]
    assert "running" in found["long"] and "waiting" in found["long"]
    listed = json.loads(house.control("jobs", "--json").stdout)["jobs"]
    assert [job["id"] for job in listed] == ["done", "long"]
    result = house.control("jobs", "delete", "r", "long")
    assert result.returncode == 1 and "runs" in result.stderr
    assert house.control("jobs", "cancel", "r", "long").returncode == 0
    assert wait_state(house, "long", "cancelled")["reason"] == "kontorctl"
    result = house.control("jobs", "cancel", "r", "long")
    assert result.returncode == 1 and "ended" in result.stderr
    for name in ("long", "done"):
        assert house.control("jobs", "delete", "r", name).returncode == 0
    assert house.control("jobs", "delete", "r", "done").returncode == 1
    wait_until(lambda: house.control("jobs").stdout == "no jobs\n", what="all are gone")
    assert house.control("jobs", "cancel", "r").returncode == 2
