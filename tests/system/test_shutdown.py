# SPDX-License-Identifier: BSD-2-Clause
"""SIGTERM: what runs is finished, then kontor is gone."""

import contextlib
import os
import signal
import time

import fastcgi
import pytest
from fastcgi import wait_until
from kontor import is_alive


def test_running_request_finishes(make_kontor):
    """Stopping the service would cut visitors off in the middle of an answer."""
    kontor = make_kontor(sections={"evaluation": {"rpc_time": "1s"}})
    workers = kontor.workers()
    with kontor.client() as client, kontor.client() as idle:
        assert idle.get("/api/evaluation/now").status == 200
        client.start("/api/evaluation/rpc")
        kontor.wait_requests(1)
        kontor.signal(signal.SIGTERM)
        idle.wait_closed()
        assert client.read_response().status == 200
    kontor.stop()
    assert not any(is_alive(pid) for pid in workers)
    assert not os.path.exists(kontor.socket)


def test_requests_that_nobody_has_read_yet(make_kontor):
    """Of many who ask in the moment of a stop most would be cut off without an answer."""
    kontor = make_kontor()
    worker, = kontor.workers()
    with contextlib.ExitStack() as clients:
        kept = [clients.enter_context(kontor.client()) for _ in range(300)]
        for client in kept:
            assert client.get("/api/evaluation/now").status == 200
        # For so long nobody has asked that these would be closed, were there no request in them.
        time.sleep(0.3)
        os.kill(worker, signal.SIGSTOP)
        try:
            for client in kept:
                client.start("/api/evaluation/now")
            kontor.signal(signal.SIGTERM)
        finally:
            os.kill(worker, signal.SIGCONT)
        assert [client.read_response().status for client in kept] == [200] * 300
    kontor.stop()


@pytest.mark.parametrize("how", ["stop", "reload"])
def test_streams_end(make_kontor, how):
    """A page that anybody has left open would keep workers until they are killed."""
    kontor = make_kontor(plugins=("protocol", "evaluation"), settings={"drain_timeout": "60s"})
    worker, = kontor.workers()
    with kontor.client() as client:
        client.start("/api/protocol/trickle", keep=False)
        kontor.wait_requests(1)
        _, _, first = client.read_record()
        if how == "stop":
            kontor.signal(signal.SIGTERM)
        else:
            assert kontor.control("reload").returncode == 0
        # In good order: a web server would report a broken one as an error.
        answer = client.read_response()
        assert answer.app_status == answer.protocol_status == 0
        assert (first + bytes(answer.stdout)).endswith(b"data: 1\n\n")
    wait_until(lambda: not is_alive(worker), what="the worker is gone")
    kontor.stop()
    assert "drain_timeout" not in kontor.log()


def test_request_that_never_ends(make_kontor):
    """One stuck request would keep the service from stopping."""
    kontor = make_kontor(settings={"drain_timeout": "300ms"},
                         sections={"evaluation": {"rpc_time": "60s"}})
    with kontor.client() as client:
        client.start("/api/evaluation/rpc")
        kontor.wait_requests(1)
        kontor.signal(signal.SIGTERM)
        try:
            assert client.read_response().status >= 500
        except fastcgi.Closed:
            pass
    kontor.stop()


def test_interrupt(make_kontor):
    """Ctrl-C in the foreground would leave workers and sockets behind."""
    kontor = make_kontor()
    workers = kontor.workers()
    kontor.signal(signal.SIGINT)
    kontor.stop()
    assert not any(is_alive(pid) for pid in workers)
    assert not os.path.exists(kontor.socket)


def test_master_dies_while_a_request_never_ends(make_kontor):
    """After a crash of the master a stuck worker would stay in memory for ever."""
    kontor = make_kontor(settings={"drain_timeout": "300ms"},
                         sections={"evaluation": {"rpc_time": "60s"}})
    worker = kontor.workers()[0]
    with kontor.client() as client:
        client.start("/api/evaluation/rpc")
        kontor.wait_requests(1)
        kontor.process.kill()
        kontor.process.wait()
        kontor.process = None
        fastcgi.wait_until(lambda: not is_alive(worker), 20, "the worker is gone")
