# SPDX-License-Identifier: BSD-2-Clause
"""The death of a worker, as by the kernel when memory runs out."""

import os
import signal

import fastcgi
from fastcgi import wait_until
from load import Load


def test_only_its_requests_fail(make_kontor):
    """One worker's death would take the requests of the others along."""
    kontor = make_kontor(settings={"workers": "2"}, sections={"evaluation": {"rpc_time": "2s"}})
    victim = kontor.workers()[0]
    clients = [kontor.client() for _ in range(40)]
    for client in clients:
        client.start("/api/evaluation/rpc")
    kontor.wait_requests(len(clients))
    lost = kontor.requests(victim)
    os.kill(victim, signal.SIGKILL)

    outcomes = []
    for client in clients:
        try:
            outcomes.append(client.read_response().status)
        except fastcgi.Closed:
            outcomes.append(None)
        client.close()
    assert outcomes.count(None) == lost
    assert outcomes.count(200) == len(clients) - lost
    kontor.wait_log(r"worker .*(killed|signal|SIGKILL)")
    wait_until(lambda: len(kontor.workers()) == 2 and victim not in kontor.workers(),
               what="another worker is there")


def test_service_goes_on_under_load(make_kontor, make_frontend):
    """After a crash visitors would see errors until somebody restarts kontor."""
    # Who is killed three times while the same plugin runs would lose it: not what is tested here.
    kontor = make_kontor(settings={"workers": "1", "request_log": "no", "quarantine_crashes": 0})
    nginx = make_frontend("nginx", kontor)
    visitors = 8
    with Load(nginx, visitors=visitors) as load:
        for kills in range(1, 4):
            victim = kontor.workers()[0]
            os.kill(victim, signal.SIGKILL)
            # Only what was in this worker may fail: at most one request of each visitor.
            load.wait_answers(200)
            assert len(load.failures) <= visitors * kills
            assert victim not in kontor.workers()
    # Those who come now notice nothing.
    before = len(load.failures)
    with Load(nginx, visitors=visitors) as load:
        load.wait_answers(200)
    assert not load.failures, before


def test_state_comes_back(kontor):
    """After a crash a plugin's servers would be missing."""
    with kontor.client() as client:
        assert client.get("/api/skeleton/hello").status == 200
    os.kill(kontor.workers()[0], signal.SIGKILL)
    with kontor.client() as client:
        response = client.get("/api/skeleton/hello")
        assert response.status == 200
        assert b'"visits":1' in response.body
