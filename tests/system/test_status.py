# SPDX-License-Identifier: BSD-2-Clause
"""kontorctl: what runs, for people and for scripts."""

import json
import signal

from fastcgi import wait_until


def test_status_as_json(make_kontor):
    """A monitoring script would have nothing to read."""
    kontor = make_kontor(settings={"workers": "2"}, sections={"evaluation": {"rpc_time": "60s"}})
    with kontor.client() as client:
        client.start("/api/evaluation/rpc")
        kontor.wait_requests(1)
        status = kontor.status()
        assert status["pid"] == kontor.process.pid
        assert status["state"] == "running"
        assert status["listen"] == [f"unix:{kontor.socket}"]
        assert len(status["workers"]) == 2
        assert len({worker["pid"] for worker in status["workers"]}) == 2
        for worker in status["workers"]:
            assert worker["state"] == "serving"
            assert worker["processes"] > 0
    assert '"evaluation"' in json.dumps(status)


def test_status_for_people(make_kontor):
    """An administrator would have to read JSON."""
    kontor = make_kontor()
    result = kontor.control("status")
    assert result.returncode == 0, result.stderr
    for word in ("running", "unix:", "evaluation", "skeleton", str(kontor.process.pid),
                 str(kontor.workers()[0])):
        assert word in result.stdout, result.stdout
    assert not result.stdout.startswith("{")


def test_processes(make_kontor):
    """Nobody could see which processes live in kontor, and what they wait for."""
    kontor = make_kontor(sections={"evaluation": {"rpc_time": "60s"}})
    with kontor.client() as client:
        client.start("/api/evaluation/rpc")
        kontor.wait_requests(1)
        text = kontor.control("status", "--processes").stdout
        assert "visit counter" in text and "skeleton.counter" in text
        found = json.loads(kontor.control("status", "--json", "--processes").stdout)
        assert "skeleton.counter" in json.dumps(found)


def test_reload_and_stop(make_kontor):
    """Scripts could not reload or stop kontor, nor learn whether it worked."""
    kontor = make_kontor()
    before = kontor.workers()
    assert kontor.control("reload").returncode == 0
    assert kontor.workers() != before
    kontor.write_config(workers="many")
    result = kontor.control("reload")
    assert result.returncode != 0
    assert "many" in result.stderr
    kontor.write_config(workers="1")
    assert kontor.control("stop").returncode == 0
    assert kontor.process.wait(20) == 0


def test_nobody_is_there(make_kontor):
    """When kontor is down a script would take it for up."""
    kontor = make_kontor(start=False)
    result = kontor.control("status")
    assert result.returncode != 0
    assert "no kontord" in result.stderr


def test_status_while_restarting(make_kontor):
    """While a worker is replaced nobody could see what goes on."""
    kontor = make_kontor()
    kontor.signal(signal.SIGHUP)
    assert kontor.status()["workers"]
    wait_until(lambda: kontor.status()["state"] == "running", what="the reload is over")


def test_request_log(make_kontor):
    """An administrator could not see who asked for what, and how long it took."""
    kontor = make_kontor(settings={"request_log": "yes"})
    with kontor.client() as client:
        client.get("/api/skeleton/hello?name=Ada", REMOTE_USER="ada")
        client.get("/api/evaluation/nothing%0Aforged line")
    line, = kontor.wait_log(r"/api/skeleton/hello")
    assert "GET" in line and "200" in line and "ada" in line
    line, = kontor.wait_log(r"/api/evaluation/nothing")
    assert "404" in line
    assert not any(each.startswith("forged") for each in kontor.log().splitlines())
