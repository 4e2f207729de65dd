# SPDX-License-Identifier: BSD-2-Clause
"""SIGHUP: new workers with the new configuration, and nobody notices."""

import os
import signal
import subprocess

import pytest

from fastcgi import wait_until
from kontor import ENVIRONMENT, KONTORCTL
from load import Load


def order_reload(kontor):
    """`kontorctl reload`, which has only begun."""
    return subprocess.Popen([KONTORCTL, "-r", kontor.run_dir, "reload"], stdout=subprocess.PIPE,
                            text=True, env=ENVIRONMENT)


@pytest.mark.parametrize("path, body", [("/api/evaluation/now", None),
                                        ("/api/evaluation/echo", b'{"a":1}')], ids=["get", "post"])
@pytest.mark.parametrize("server, keep", [("nginx", True), ("nginx", False), ("apache", True),
                                          ("apache", False)])
def test_no_request_fails(make_kontor, make_frontend, server, keep, path, body):
    """Every change of the configuration would show some visitors an error."""
    kontor = make_kontor(settings={"workers": "2", "request_log": "no"})
    frontend = make_frontend(server, kontor, keep=keep)
    with Load(frontend, path, body) as load:
        for _ in range(3):
            before = set(kontor.workers())
            kontor.signal(signal.SIGHUP)
            wait_until(lambda: len(kontor.workers()) == 2 and not before & set(kontor.workers()),
                       30, "new workers")
            load.wait_answers(200)
    assert load.failures == []


def test_running_requests_finish(make_kontor):
    """A reload would cut long requests off."""
    kontor = make_kontor(sections={"evaluation": {"rpc_time": "1s"}})
    with kontor.client() as client:
        client.start("/api/evaluation/rpc")
        kontor.wait_requests(1)
        old = kontor.workers()
        kontor.signal(signal.SIGHUP)
        wait_until(lambda: kontor.workers() and kontor.workers() != old, what="a new worker")
        assert client.read_response().status == 200
        # And the connection goes on with the new worker.
        wait_until(lambda: len(kontor.status()["workers"]) == 1, what="the old worker is gone")
        assert client.get("/api/evaluation/now").status == 200


def test_connections_are_handed_over(make_kontor):
    """Web servers would use a kept connection just as it closes, and lose the request."""
    kontor = make_kontor(settings={"workers": "2"})
    clients = [kontor.client() for _ in range(300)]
    for client in clients[:200]:  # the others have not asked for anything yet
        assert client.get("/api/evaluation/now").status == 200
    for _ in range(2):
        before = set(kontor.workers())
        kontor.signal(signal.SIGHUP)
        wait_until(lambda: len(kontor.status()["workers"]) == 2 and
                   not before & set(kontor.workers()), what="the old workers are gone")
    for client in clients:
        assert client.get("/api/evaluation/now").status == 200
        client.close()


def test_new_configuration_counts(make_kontor):
    """Changes of the configuration would need a restart."""
    kontor = make_kontor(sections={"skeleton": {"greeting": "Hello"}})
    with kontor.client() as client:
        assert b'"Hello"' in client.get("/api/skeleton/hello").body
    kontor.sections["skeleton"]["greeting"] = "Good morning"
    kontor.write_config(workers="2")
    kontor.signal(signal.SIGHUP)
    wait_until(lambda: len(kontor.workers()) == 2, what="two workers")

    def greets():
        with kontor.client() as client:
            return b'"Good morning"' in client.get("/api/skeleton/hello").body
    wait_until(greets, what="the new greeting")


def test_reloaded_means_reloaded(make_kontor):
    """`systemctl reload` would return, and the next request get an answer of the old configuration."""
    kontor = make_kontor(settings={"workers": "2"}, sections={"skeleton": {"greeting": "0"}})
    kept = [kontor.client() for _ in range(8)]
    for client in kept:
        client.get("/api/skeleton/hello")
    for greeting in map(str, range(1, 11)):
        kontor.sections["skeleton"]["greeting"] = greeting
        kontor.write_config()
        assert kontor.control("reload").returncode == 0
        fresh = [kontor.client() for _ in range(8)]
        answers = [client.get("/api/skeleton/hello").body for client in fresh + kept]
        assert [body for body in answers if f'"{greeting}"'.encode() not in body] == []
        for client in fresh:
            client.close()


def test_a_reload_waits_for_the_last_of_the_old(make_kontor):
    """A busy worker of before would still let requests in when the reload is said to be done."""
    kontor = make_kontor(settings={"workers": "2"})
    before = set(kontor.workers())
    stopped = min(before)
    os.kill(stopped, signal.SIGSTOP)
    try:
        reload = order_reload(kontor)
        wait_until(lambda: kontor.status()["generation"] == 2, what="the new generation")
        assert kontor.status()["state"] == "reloading"
        assert reload.poll() is None
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert reload.communicate(timeout=20)[0] == "reloaded\n"
    assert kontor.status()["state"] == "running"


def test_reloads_at_once_are_all_answered(make_kontor):
    """Two people who reload at the same time: one would wait for ever, or be told too early."""
    kontor = make_kontor(settings={"workers": "2"})
    reloads = [order_reload(kontor) for _ in range(5)]
    for reload in reloads:
        assert reload.communicate(timeout=30)[0] == "reloaded\n"
    assert kontor.status()["state"] == "running"


def test_bad_configuration_keeps_the_old(make_kontor):
    """A typing mistake and a reload would stop the service."""
    kontor = make_kontor()
    before = kontor.workers()
    kontor.write_config(workers="many")
    kontor.signal(signal.SIGHUP)
    lines = kontor.wait_log(r"kontor\.conf:\d+: ")
    assert any("workers" in line and "many" in line for line in lines)
    with kontor.client() as client:
        assert client.get("/api/evaluation/now").status == 200
    assert kontor.workers() == before
    # And a good one is taken afterwards.
    kontor.write_config(workers="1")
    kontor.signal(signal.SIGHUP)
    wait_until(lambda: kontor.workers() and kontor.workers() != before, what="a new worker")
