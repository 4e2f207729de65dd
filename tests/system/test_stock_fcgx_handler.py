# SPDX-License-Identifier: BSD-2-Clause
"""A handler written for plain libfcgi, unchanged."""

import pytest
import requests

import fastcgi


@pytest.mark.parametrize("server", ["nginx", "apache"])
def test_stock_handler(kontor, make_frontend, server):
    """Programs that were written for FastCGI would have to be rewritten for kontor."""
    url = f"{make_frontend(server, kontor).url}/api/skeleton/fcgx"
    body = "line 1\nline 2 ä\n" * 1000
    answer = requests.put(url, data=body.encode())
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = dict(line.split(" ", 1) for line in answer.text.splitlines())
    assert lines["method"] == "PUT"
    assert int(lines["length"]) == len(body.encode())


def test_stderr_reaches_the_web_server(kontor):
    """What a handler writes to its error stream would vanish."""
    with kontor.client() as client:
        response = client.get("/api/skeleton/fcgx")
        assert response.status == 200
        assert b"there was no body" in response.stderr
        assert response.app_status == 0


def test_many_at_once(kontor):
    """A stock handler that waits for its body would stop all others."""
    clients = [kontor.client() for _ in range(20)]
    for client in clients:
        client.begin()
        values = fastcgi.parameters("/api/skeleton/fcgx", "POST", length=3)
        client.send(fastcgi.stream(fastcgi.PARAMS, 1, fastcgi.pairs(values)))
        client.send(fastcgi.record(fastcgi.STDIN, 1, b"a"))
    with kontor.client() as other:
        assert other.get("/api/evaluation/now").status == 200
    for client in reversed(clients):
        client.send(fastcgi.stream(fastcgi.STDIN, 1, b"bc"))
        assert b"length 3\n" in client.read_response().body
        client.close()
