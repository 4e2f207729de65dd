# SPDX-License-Identifier: BSD-2-Clause
"""Plugins that go wrong: the client gets an error, the log says why, the others go on."""

import os
import signal

import pytest
import requests

import fastcgi
from fastcgi import wait_until


@pytest.fixture
def kontor(make_kontor):
    kontor = make_kontor(plugins=("evaluation", "crash"), settings={"request_timeout": "500ms"})
    kontor.expects_reports = True
    return kontor


def test_failing_handler(kontor):
    """A bug in one handler would show its visitor nothing, and the operator no reason."""
    with kontor.client() as client:
        worker = kontor.workers()
        response = client.get("/api/crash/fail")
        assert response.status == 500
        assert response.headers["content-type"].startswith("application/problem+json")
        kontor.wait_log("the crash plugin was asked to fail")
        assert client.get("/api/evaluation/now").status == 200
        assert kontor.workers() == worker


def test_failing_in_the_middle(kontor):
    """Half of an answer would be taken for the whole."""
    with kontor.client() as client:
        client.start("/api/crash/fail-later")
        try:
            response = client.read_response()
            assert response.app_status != 0 or response.protocol_status != 0
        except fastcgi.Closed:
            pass
    with kontor.client() as client:
        assert client.get("/api/evaluation/now").status == 200


def test_failing_in_the_middle_through_nginx(kontor, make_frontend):
    """A visitor would see half of an answer without any sign of a mistake."""
    nginx = make_frontend("nginx", kontor)
    try:
        response = requests.get(f"{nginx.url}/api/crash/fail-later")
    except requests.exceptions.RequestException:
        return
    # The library hands out a short body without a word; browsers and curl compare it, as we do.
    is_short = len(response.content) < int(response.headers["Content-Length"])
    assert response.status_code >= 500 or is_short


def test_handler_without_an_answer(kontor):
    """A handler that forgets to answer would leave its visitor waiting."""
    with kontor.client() as client:
        assert client.get("/api/crash/silent").status in (204, 500)
        assert client.get("/api/evaluation/now").status == 200


def test_hanging_handler(kontor):
    """A handler that waits for ever would keep its visitor waiting for ever, too."""
    with kontor.client() as client, kontor.client() as other:
        client.start("/api/crash/hang")
        kontor.wait_requests(1)
        assert other.get("/api/evaluation/now").status == 200
        response = client.read_response()
        assert response.status == 504
        assert client.get("/api/evaluation/now").status == 200
    kontor.wait_requests(0)


@pytest.mark.parametrize("way, words", [("segfault", "segmentation fault"), ("abort", "abort"),
                                        ("overflow", "stack overflow")])
def test_crashing_handler(kontor, way, words):
    """A crash would leave the operator without a hint which plugin it was, or kontor down."""
    worker = kontor.workers()[0]
    with kontor.client() as client:
        client.start(f"/api/crash/{way}")
        with pytest.raises(fastcgi.Closed):
            client.read_response()
    line, = kontor.wait_log(words + ".*plugin 'crash'")
    assert f"/{way}" in line or "crash" in line
    with kontor.client() as client:
        assert client.get("/api/evaluation/now").status == 200
    wait_until(lambda: worker not in kontor.workers() and kontor.workers(), what="a new worker")


def test_crash_through_nginx(kontor, make_frontend):
    """The visitor of a crashed page would see an endless wait or a blank page."""
    nginx = make_frontend("nginx", kontor)
    assert requests.get(f"{nginx.url}/api/crash/segfault").status_code == 502
    assert requests.get(f"{nginx.url}/api/evaluation/now").status_code == 200


@pytest.fixture
def watched(make_kontor):
    """Two workers that may stand still for a second."""
    kontor = make_kontor(plugins=("evaluation", "crash"),
                         settings={"workers": "2", "stuck_timeout": "1s", "quarantine_crashes": 0})
    kontor.expects_reports = True
    return kontor


def wait_for_another(kontor, before):
    wait_until(lambda: len(set(kontor.workers()) - before) == 1, what="another worker serves")
    with kontor.client() as client:
        assert client.get("/api/evaluation/now").status == 200


def test_endless_loop(watched):
    """Whoever came to that worker would wait for ever, and nobody be told why."""
    before = set(watched.workers())
    with watched.client() as client:
        client.start("/api/crash/spin")
        wait_for_another(watched, before)
    watched.wait_log(r"has stood still for stuck_timeout \(1000 ms\)")
    watched.wait_log("abort in process 'GET /api/crash/spin' of plugin 'crash'")
    assert "was at: " in watched.log()


def test_worker_that_hears_nothing(watched):
    """One that can't even note where it is would stay."""
    before = set(watched.workers())
    os.kill(min(before), signal.SIGSTOP)
    wait_for_another(watched, before)
    watched.wait_log(r"stood still for stuck_timeout \(1000 ms\); restarting")


def test_idle_worker_is_well(watched):
    """A kontor that nobody asks would replace its workers again and again."""
    before = set(watched.workers())
    os.kill(min(before), signal.SIGSTOP)  # for the time that the other one has nothing to do
    wait_for_another(watched, before)
    assert len(set(watched.workers()) & before) == 1
