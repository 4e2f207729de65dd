# SPDX-License-Identifier: BSD-2-Clause
"""A plugin that keeps crashing its workers is left out for a while, and everything else goes on."""

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

import fastcgi
import kontor as library
from fastcgi import wait_until
from load import Load

# Longer than any test takes: who is in quarantine stays there.
FOR_EVER = "1h"


@pytest.fixture
def make(make_kontor):
    """A function that starts kontord with the plugin that crashes; `when` it does, see there."""
    def start(when="asked", crashes=3, time=FOR_EVER, start=True, **settings):
        settings = {"quarantine_crashes": crashes, "quarantine_time": time,
                    "quarantine_time_max": FOR_EVER, **settings}
        kontor = make_kontor(plugins=("evaluation", "crash", "skeleton"), settings=settings,
                             sections={"crash": {"when": when}}, start=False)
        kontor.expects_reports = True
        return kontor.start() if start else kontor
    return start


def plugin(kontor, name="crash"):
    """What the master says of a plugin."""
    found, = [each for each in kontor.status()["plugins"] if each["name"] == name]
    return found


def wait_state(kontor, state):
    """Wait until the plugin is in this state, and all workers know."""
    wait_until(lambda: plugin(kontor)["state"] == state, what=f"the plugin is {state}")


def is_answered(kontor, path):
    """Whether there is an answer at all, and not a worker that dies."""
    try:
        with kontor.client() as client:
            return client.get(path).status
    except (fastcgi.Closed, OSError):
        return None


def crash(kontor, way="segfault"):
    """Have one worker crash. It is dead, and its successor serves, at the end."""
    before = plugin(kontor)["crashes_total"]
    is_answered(kontor, f"/api/crash/{way}")
    wait_until(lambda: plugin(kontor)["crashes_total"] == before + 1, what="the crash is counted")
    wait_until(kontor.workers, what="a worker serves")


def crash_into_quarantine(kontor, way="segfault", times=3):
    for _ in range(times):
        assert plugin(kontor)["state"] != "quarantined"
        crash(kontor, way)
    assert plugin(kontor)["state"] == "quarantined"
    wait_left_out(kontor)


def wait_left_out(kontor):
    wait_until(lambda: is_answered(kontor, "/api/crash/fine") == 503, what="it is left out")


def wait_served(kontor):
    wait_until(lambda: is_answered(kontor, "/api/crash/fine") == 200, what="it is served")


def cpu_seconds(pid):
    """The processor time that an OS process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def requests_total(kontor):
    return sum(worker["requests_total"] for worker in kontor.status()["workers"])


def test_left_out(make):
    """Every visitor of a broken page would take others' requests along, again and again."""
    kontor = make()
    assert is_answered(kontor, "/api/crash/fine") == 200
    crash_into_quarantine(kontor)
    with kontor.client() as client:
        for method, path in (("GET", "/api/crash/fine"), ("GET", "/api/crash/segfault"),
                             ("GET", "/api/crash"), ("GET", "/api/crash/"),
                             ("DELETE", "/api/crash/not/there"), ("HEAD", "/api/crash/fine")):
            client.start(path, method=method)
            response = client.read_response()
            assert response.status == 503, path
            assert 3000 < int(response.headers["retry-after"]) <= 3600
        assert client.get("/api/crash/fine").headers["content-type"] == "application/problem+json"
        client.start("/api/crash/fine", body=b"x" * 1000000)
        assert client.read_response().status == 503
        assert client.get("/api/evaluation/now").status == 200
        assert client.get("/api/skeleton/hello").status == 200
        assert client.get("/api/crashes").status == 404


def test_operator_is_told(make):
    """An operator would see 503 and nothing that says why."""
    kontor = make()
    crash_into_quarantine(kontor)
    line, = kontor.wait_log("plugin 'crash' is quarantined for 3600 s after 3 crashes")
    for word in ("segmentation fault at address 0x10", "'GET /api/crash/segfault'",
                 "crash.so+0x", "503"):
        assert word in line, line
    found = plugin(kontor)
    assert found["state"] == "quarantined"
    assert found["quarantine_crashes"] == found["crashes_total"] == 3
    assert 0 < found["quarantine_left_ms"] <= 3600000
    assert "GET /api/crash/segfault" in found["last_crash"]["text"]
    assert any(frame.startswith("crash.so+0x") for frame in found["last_crash"]["backtrace"])
    assert plugin(kontor, "evaluation") == {"name": "evaluation", "state": "well",
                                            "crashes_total": 0}
    text = kontor.control("status").stdout
    for word in ("crash: quarantined for", "after 3 crashes", "segmentation fault", "crash.so+0x"):
        assert word in text, text


def test_others_under_load(make, make_frontend):
    """The visitors of other pages would see errors for as long as somebody tries the broken one."""
    kontor = make(workers="2")
    nginx = make_frontend("nginx", kontor)
    visitors = 8
    with Load(nginx, visitors=visitors) as load:
        # nginx tries a request once more when a kept connection breaks: one may cost two workers.
        while plugin(kontor)["state"] != "quarantined":
            before = plugin(kontor)["crashes_total"]
            assert requests.get(f"{nginx.url}/api/crash/segfault").status_code in (502, 503)
            wait_until(lambda: plugin(kontor)["crashes_total"] > before, what="a crash")
            load.wait_answers(100)
        wait_left_out(kontor)
        wait_until(lambda: len(kontor.status()["workers"]) == 2, what="the old workers are gone")
        # Only what was in a worker that crashed may have failed; the replacement costs nothing.
        during, crashes = len(load.failures), plugin(kontor)["crashes_total"]
        assert during <= crashes * visitors
        for _ in range(20):
            response = requests.get(f"{nginx.url}/api/crash/segfault")
            assert response.status_code == 503
            assert int(response.headers["Retry-After"]) > 3000
        load.wait_answers(200)
        assert len(load.failures) == during
    assert plugin(kontor)["crashes_total"] == crashes <= 5
    assert kontor.log().count("the workers are replaced") <= 1


def test_workers_that_did_not_crash(make):
    """Those workers would crash one by one, too."""
    kontor = make(workers="4")
    before = set(kontor.workers())
    crash_into_quarantine(kontor)  # at most three of them were lost
    wait_until(lambda: len(kontor.workers()) == 4 and not before & set(kontor.workers()),
               what="all workers are other ones")
    assert [is_answered(kontor, "/api/crash/fine") for _ in range(40)] == 40 * [503]
    assert kontor.status()["generation"] == 2


def test_comes_back(make):
    """A plugin that crashed in a bad hour would be gone until somebody restarts kontor."""
    kontor = make(time="700ms", quarantine_period="10s")
    crash_into_quarantine(kontor)
    kontor.wait_log("plugin 'crash' was in quarantine .* is tried again")
    wait_served(kontor)
    assert plugin(kontor)["state"] == "probation"
    # One crash more, and it is left out for longer.
    crash(kontor)
    kontor.wait_log("plugin 'crash' is quarantined for 2 s after 4 crashes")
    wait_left_out(kontor)
    wait_served(kontor)


def test_quiet_period_forgets(make):
    """A plugin would be punished for what was long ago."""
    kontor = make(time="300ms", quarantine_period="1s", crashes=1)
    crash(kontor)
    wait_served(kontor)
    wait_state(kontor, "well")
    crash(kontor)
    lines = kontor.wait_log("plugin 'crash' is quarantined for 1 s after 1 crash, ", count=2)
    assert len(lines) == 2


def test_released_by_hand(make):
    """An operator who mended the cause would have to wait for the end of the quarantine."""
    kontor = make()
    result = kontor.control("release", "crash")
    assert result.returncode == 1 and "not in quarantine" in result.stderr
    crash_into_quarantine(kontor)
    result = kontor.control("release", "crash")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "released\n"
    assert is_answered(kontor, "/api/crash/fine") == 200  # it waited for that
    assert plugin(kontor)["state"] == "probation"
    for wrong in (("release",), ("release", "crash", "evaluation"), ("status", "crash")):
        assert kontor.control(*wrong).returncode == 2
    assert kontor.control("release", "x" * 100).returncode == 1


def test_reload_tries_again(make):
    """A repaired plugin would stay out after it was installed."""
    kontor = make()
    crash_into_quarantine(kontor)
    kontor.write_config(workers="many")
    assert kontor.control("reload").returncode != 0
    assert is_answered(kontor, "/api/crash/fine") == 503  # everything stays as it was
    kontor.write_config(workers="1")
    assert kontor.control("reload").returncode == 0
    assert is_answered(kontor, "/api/crash/fine") == 200


def test_reload_without_it(make):
    """A plugin that was taken out of the configuration would haunt the status."""
    kontor = make()
    crash_into_quarantine(kontor)
    del kontor.sections["crash"]
    kontor.write_config(plugins="evaluation")
    assert kontor.control("reload").returncode == 0
    assert is_answered(kontor, "/api/crash/fine") == 404
    assert [each["name"] for each in kontor.status()["plugins"]] == ["evaluation"]
    assert "quarantine" not in kontor.control("status").stdout


@pytest.mark.parametrize("way, words", [
    ("abort", "abort in process 'GET /api/crash/abort'"),
    ("overflow", "stack overflow in process 'GET /api/crash/overflow'"),
    ("segfault-in-pool", "in the thread pool, in work of process 'GET /api/crash/segfault-in-pool'"),
    ("segfault-when-freed", "after the end of a process of plugin 'crash'"),
    ("exit", "while plugin 'crash' was running"),  # a leak checker changes the status
    ("exit-at-once", "exit status 42 while plugin 'crash' was running"),
])
def test_ways_to_crash(make, way, words):
    """A plugin that ends its worker in another way would never be found guilty."""
    kontor = make(crashes=1)
    crash_into_quarantine(kontor, way, times=1)
    assert words in plugin(kontor)["last_crash"]["text"]


def test_killed_while_it_runs(make):
    """What the kernel kills for its memory, or an operator for its endless loop, would come again."""
    kontor = make(crashes=2)
    for _ in range(2):
        before = plugin(kontor)["crashes_total"]
        worker, = kontor.workers()
        with kontor.client() as client:
            client.start("/api/crash/spin")
            wait_until(lambda: cpu_seconds(worker) > 0.2, what="it spins")
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: plugin(kontor)["crashes_total"] == before + 1, what="it is counted")
        wait_until(kontor.workers, what="a worker serves")
    text = plugin(kontor)["last_crash"]["text"]
    assert text == "killed by signal 9 (Killed) while plugin 'crash' was running"
    wait_left_out(kontor)


def test_killed_while_idle(make):
    """A plugin would be blamed for what it has nothing to do with."""
    kontor = make(crashes=1)
    for _ in range(3):
        worker, = kontor.workers()
        before = requests_total(kontor)
        assert is_answered(kontor, "/api/crash/fine") == 200
        # It is counted at the next turn of the worker's loop, when no process runs any more.
        wait_until(lambda: requests_total(kontor) > before, what="the worker is idle")
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: kontor.workers() not in ([], [worker]), what="a new worker")
    assert {each["crashes_total"] for each in kontor.status()["plugins"]} == {0}


@pytest.mark.parametrize("when, words", [("check", "while plugin 'crash' was loaded"),
                                         ("start", "in process 'plugin crash' of plugin 'crash'")])
def test_crash_at_the_start(make, when, words):
    """One broken plugin would keep all others from starting."""
    kontor = make(when)
    line, = kontor.wait_log("plugin 'crash' is quarantined for 3600 s after 3 crashes")
    assert words in line, line
    assert is_answered(kontor, "/api/evaluation/now") == 200
    assert is_answered(kontor, "/api/crash/fine") == 503
    assert plugin(kontor)["crashes_total"] == 3
    # At a reload it gets one more chance.
    assert kontor.control("reload").returncode == 0
    assert is_answered(kontor, "/api/crash/fine") == 503
    assert plugin(kontor)["crashes_total"] == 4
    kontor.sections["crash"]["when"] = "asked"
    kontor.write_config()
    assert kontor.control("reload").returncode == 0
    assert is_answered(kontor, "/api/crash/fine") == 200


def test_error_at_the_start(make):
    """A mistake in the configuration would hide in a quarantine."""
    kontor = make("start-error", start=False)
    result = subprocess.run([str(library.KONTORD), "-c", str(kontor.config), "-f"],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                            env=library.ENVIRONMENT, check=False)
    assert result.returncode == 1
    assert "the crash plugin was asked not to start" in result.stderr
    assert "quarantine" not in result.stderr


def test_crash_at_the_start_without_quarantine(make):
    """Where quarantine is off, a crash at the start would be tried for ever."""
    kontor = make("start", crashes=0, start=False)
    result = subprocess.run([str(library.KONTORD), "-c", str(kontor.config), "-f"],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                            env=library.ENVIRONMENT, check=False)
    assert result.returncode == 1
    assert "did not get ready" in result.stderr


def test_children_that_keep_failing(make):
    """A plugin whose processes fail for ever would end one worker after the other."""
    kontor = make("child", crashes=2)
    line, = kontor.wait_log("plugin 'crash' is quarantined", seconds=60)
    assert "plugin 'crash' keeps failing" in line, line
    wait_left_out(kontor)
    assert is_answered(kontor, "/api/evaluation/now") == 200


def test_all_at_once(make, make_frontend):
    """A storm of crashes would become a storm of replaced workers."""
    kontor = make(workers="2", quarantine_period="10s")
    nginx = make_frontend("nginx", kontor)

    def visit(_):
        return [requests.get(f"{nginx.url}/api/crash/segfault").status_code for _ in range(50)]
    with ThreadPoolExecutor(6) as visitors:
        answers = [each for visit in visitors.map(visit, range(6)) for each in visit]
    assert set(answers) <= {502, 503}
    # The first three crashes, and those of workers that were there and not replaced yet.
    assert kontor.log().count("segmentation fault at") <= 2 * 8
    assert kontor.status()["generation"] <= 2
    assert kontor.log().count("is quarantined") == 1
