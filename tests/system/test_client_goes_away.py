# SPDX-License-Identifier: BSD-2-Clause
"""Clients that do not wait for their answer."""

import socket

import pytest

import fastcgi

MEBIBYTE = 1 << 20


@pytest.mark.parametrize("server", ["nginx", "apache"])
def test_client_leaves_a_download(kontor, make_frontend, server):
    """Each visitor who closes the tab would leave a process and its memory behind."""
    site = make_frontend(server, kontor)
    before = kontor.processes()
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", site.port), timeout=30) as visitor:
            path = f"/api/skeleton/stream?bytes={1000 * MEBIBYTE}"
            visitor.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            assert visitor.recv(65536)
    kontor.wait_processes(before)


def test_web_server_closes_while_we_wait(make_kontor):
    """A web server that gives up on a slow request would leave its process behind."""
    kontor = make_kontor(sections={"evaluation": {"rpc_time": "60s"}})
    before = kontor.processes()
    with kontor.client() as client:
        client.start("/api/evaluation/rpc")
        kontor.wait_requests(1)
    kontor.wait_processes(before)


def test_web_server_closes_in_the_middle_of_a_body(kontor):
    """An upload that breaks off would leave its handler waiting for ever."""
    before = kontor.processes()
    with kontor.client() as client:
        client.begin()
        values = fastcgi.parameters("/api/skeleton/fcgx", "POST", length=1000)
        client.send(fastcgi.stream(fastcgi.PARAMS, 1, fastcgi.pairs(values)) +
                    fastcgi.record(fastcgi.STDIN, 1, b"x" * 10))
        kontor.wait_requests(1)
    kontor.wait_processes(before)
