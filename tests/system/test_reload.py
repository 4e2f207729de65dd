# SPDX-License-Identifier: BSD-2-Clause
"""SIGHUP: new workers with the new configuration, and nobody notices."""

import signal

import pytest

from fastcgi import wait_until
from load import Load


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
