# SPDX-License-Identifier: BSD-2-Clause
"""SIGHUP: new workers with the new configuration, and nobody notices."""

import signal

import pytest

from fastcgi import wait_until
from load import Load


# Not Apache with kept connections: it does not try again when one closes as it is used.
@pytest.mark.parametrize("path, body", [("/api/evaluation/now", None),
                                        ("/api/evaluation/echo", b'{"a":1}')], ids=["get", "post"])
@pytest.mark.parametrize("server, keep", [("nginx", True), ("nginx", False), ("apache", False)])
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
    with kontor.client() as client, kontor.client() as idle:
        assert idle.get("/api/evaluation/now").status == 200
        client.start("/api/evaluation/rpc")
        kontor.wait_requests(1)
        old = kontor.workers()
        kontor.signal(signal.SIGHUP)
        assert client.read_response().status == 200
        idle.wait_closed()
    wait_until(lambda: kontor.workers() and kontor.workers() != old, what="a new worker")


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
