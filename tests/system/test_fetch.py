# SPDX-License-Identifier: BSD-2-Clause
"""Asking other servers: good answers, bad answers, none at all."""

import os
import pathlib
import socket
import ssl
import threading
import urllib.parse

import pytest

import fastcgi
from fastcgi import wait_until
from upstream import Upstream


@pytest.fixture
def upstream():
    with Upstream() as server:
        yield server


@pytest.fixture
def kontor(make_kontor):
    return make_kontor(plugins=("evaluation", "fetch"))


def ask(kontor, url, path="/api/fetch/fetch", **options):
    """Let the test plugin fetch an address of the configuration; what it says."""
    query = [("url", url), ("trusted", 1)]
    for name, value in options.items():
        query += [(name, item) for item in (value if isinstance(value, list) else [value])]
    with kontor.client() as client:
        response = client.get(f"{path}?{urllib.parse.urlencode(query)}")
    assert response.status == 200, response.body
    return response.body if path.endswith("kill") else __import__("json").loads(response.body)


def slow(make_kontor, **options):
    """A kontor whose /slow asks this upstream, and the client's answer."""
    kontor = make_kontor(plugins=("evaluation",), sections={"evaluation": options})
    with kontor.client() as client:
        return client.get("/api/evaluation/slow")


# ---------------------------------------------------------------- /slow

def test_slow_passes_json_on(make_kontor, upstream):
    """What a slow service says would not reach who asked."""
    response = slow(make_kontor, upstream=f"{upstream.url}/slow?ms=50")
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    assert response.body == '{"answer":42,"text":"grün"}'.encode()


def test_slow_without_upstream(make_kontor):
    """An operator who forgot the option would not be told so."""
    response = slow(make_kontor)
    assert response.status == 503
    assert b"upstream" in response.body


@pytest.mark.parametrize("path, status, words", [
    ("/hang", 504, b"in time"), ("/status?code=500", 502, b"status 500"),
    ("/text", 502, b"not JSON"), ("/truncated", 502, b"closed")])
def test_slow_when_upstream_fails(make_kontor, upstream, path, status, words):
    """A failing upstream would look like a failing kontor."""
    response = slow(make_kontor, upstream=upstream.url + path, upstream_timeout="200ms")
    assert response.status == status
    assert words in response.body


# ---------------------------------------------------------------- what comes back

def test_request_and_answer(kontor, upstream):
    """What a plugin sends would arrive changed, or its answer would."""
    said = ask(kontor, f"{upstream.url}/echo", method="PUT", body="hello", show="x-TEST",
               header=["X-One: 1", "Content-Type: text/plain"])
    assert (said["status"], said["header"], said["url"]) == (200, "1", f"{upstream.url}/echo")
    request = upstream.seen("/echo")[0]
    assert (request.method, request.body) == ("PUT", b"hello")
    assert request.headers["x-one"] == "1"
    assert request.headers["content-type"] == "text/plain"
    assert "expect" not in request.headers


@pytest.mark.parametrize("method, body", [
    ("GET", ""), ("HEAD", ""), ("POST", ""), ("POST", "a=b"), ("DELETE", ""), ("REPORT", "<x/>"),
    ("PATCH", "{}"), ("OPTIONS", "")])
def test_methods(kontor, upstream, method, body):
    """A calendar server that is asked with PROPFIND and REPORT would hear something else."""
    said = ask(kontor, f"{upstream.url}/echo", method=method, body=body)
    assert said["status"] == 200, said
    request = upstream.seen("/echo")[0]
    assert (request.method, request.body) == (method, body.encode())


@pytest.mark.parametrize("code", [404, 500])
def test_http_errors_are_answers(kontor, upstream, code):
    """A plugin could not tell "not there" from "not reachable"."""
    said = ask(kontor, f"{upstream.url}/status?code={code}")
    assert (said["error"], said["status"]) == ("", code)


@pytest.mark.parametrize("path, error", [
    ("/hang", "ETIMEDOUT"), ("/drip", "ETIMEDOUT"), ("/garbage", "EPROTO"),
    ("/silence", "ECONNRESET"), ("/truncated", "ECONNRESET"), ("/truncated-chunks", "ECONNRESET"),
    ("/fields?count=300", "EPROTO"), ("/long-field?bytes=70000", "EPROTO"),
    ("/long-field?bytes=200000", "EPROTO"), ("/interim", "EPROTO"), ("/circle", "ELOOP"),
    ("/bytes?count=5001", "EMSGSIZE"), ("/endless", "EMSGSIZE"),
    ("/bomb?count=10000000", "EMSGSIZE"), ("/redirect?to=ftp://localhost/", "EACCES"),
    ("/redirect?to=http://[", "EPROTO")])
def test_bad_answers(kontor, upstream, path, error):
    """One bad server would hang, fill or kill a worker, or its half answer be taken for whole."""
    before = kontor.processes()
    said = ask(kontor, upstream.url + path + ("&" if "?" in path else "?") + "secret=42",
               size_max=5000, timeout_ms=1500)
    assert said["error"] == error, said
    assert upstream.url.partition("//")[2] in said["text"] or error == "EACCES"
    assert "secret" not in said["text"]
    kontor.wait_processes(before)
    assert "failed" not in kontor.log()


def test_answer_of_exactly_the_limit(kontor, upstream):
    """The last byte that a limit allows would be refused."""
    said = ask(kontor, f"{upstream.url}/bytes?count=5000", size_max=5000)
    assert (said["size"], said["body"]) == (5000, "x" * 5000)


def test_compressed_answer(kontor, upstream):
    """A compressed answer would come through as noise."""
    assert ask(kontor, f"{upstream.url}/bomb?count=4000", size_max=5000)["size"] == 4000


def test_connection_refused(kontor):
    """A service that is down would look like one that is slow."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    said = ask(kontor, f"http://127.0.0.1:{port}/?secret=1")
    assert said["error"] == "ECONNREFUSED"
    assert f"127.0.0.1:{port}" in said["text"] and "secret" not in said["text"]


def test_no_such_host(kontor):
    """A typing mistake in an address would be told as something else."""
    assert ask(kontor, "http://no-such-host.invalid/")["error"] in ("ENOENT", "EHOSTUNREACH")


def test_names_are_looked_up(kontor, upstream):
    """Addresses with names instead of numbers would not work."""
    said = ask(kontor, f"http://LOCALHOST:{upstream.port}/json")
    assert said["status"] == 200, said
    assert said["url"] == f"http://localhost:{upstream.port}/json"


def test_certificate_is_checked(kontor, folder):
    """Anybody between us and a server could read and change what they say."""
    import subprocess
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        def shake_hands():
            connection, _ = server.accept()
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()
        thread = threading.Thread(target=shake_hands)
        thread.start()
        said = ask(kontor, f"https://localhost:{server.getsockname()[1]}/")
        thread.join()
    assert said["error"] == "EKEYREJECTED", said
    assert "certificate" in said["text"]


# ---------------------------------------------------------------- kept connections

def test_connections_are_kept(kontor, upstream):
    """Every request would pay for a new connection."""
    for _ in range(5):
        assert ask(kontor, f"{upstream.url}/json")["status"] == 200
    assert {request.connection for request in upstream.requests} == {1}


def test_kept_connection_that_was_closed(kontor, upstream):
    """A server that closes idle connections would make every second request fail."""
    for _ in range(5):
        assert ask(kontor, f"{upstream.url}/closes", method="POST", body="x")["error"] == ""
        wait_until(lambda: upstream.open == 0)
    assert len(upstream.seen("/closes")) == 5


def test_get_is_repeated_but_post_is_not(kontor, upstream):
    """An order would be placed twice because a kept connection broke."""
    assert ask(kontor, f"{upstream.url}/once")["status"] == 200
    assert ask(kontor, f"{upstream.url}/once")["status"] == 200
    assert len(upstream.seen("/once")) == 3
    said = ask(kontor, f"{upstream.url}/once", method="POST", body="order")
    assert said["error"] == "ECONNRESET", said
    assert [request.method for request in upstream.seen("/once")].count("POST") == 1


# ---------------------------------------------------------------- redirects

def test_redirect(kontor, upstream):
    """A moved address would be lost."""
    said = ask(kontor, f"{upstream.url}/redirect?to=json")
    assert (said["status"], said["url"]) == (200, f"{upstream.url}/json")


def test_redirects_can_be_looked_at(kontor, upstream):
    """A plugin that wants to see where it is sent could not."""
    said = ask(kontor, f"{upstream.url}/redirect?to=json", redirects_max=-1, show="Location")
    assert (said["status"], said["header"]) == (302, "json")


@pytest.mark.parametrize("code, method, body", [
    (301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "x"), (308, "POST", "x")])
def test_post_is_redirected(kontor, upstream, code, method, body):
    """A form's answer would be asked for with the form, or a moved service without."""
    said = ask(kontor, f"{upstream.url}/redirect?code={code}&to=/echo", method="POST", body="x",
               header="Content-Type: text/plain")
    assert said["status"] == 200, said
    request = upstream.seen("/echo")[0]
    assert (request.method, request.body) == (method, body.encode())
    assert ("content-type" in request.headers) == bool(body)


def test_secrets_stay_at_their_host(kontor, upstream):
    """A server that redirects could hand passwords and keys to another one."""
    with Upstream("127.0.0.2") as other:
        url = upstream.url.replace("//", "//ada:secret@")
        said = ask(kontor, f"{url}/redirect?to={other.url}/echo", header=[
            "Cookie: secret", "X-Api-Key: secret", "Accept: text/calendar"])
        assert said["status"] == 200
        first, second = upstream.requests[0], other.requests[0]
    assert first.headers["authorization"].startswith("Basic ")
    assert first.headers["x-api-key"] == "secret"
    assert "secret" not in str(second.headers) and "authorization" not in second.headers
    assert second.headers["accept"] == "text/calendar"


def test_password_stays_with_its_host(kontor, upstream):
    """A page behind a password that moved on its own server could not be read."""
    url = upstream.url.replace("//", "//ada:secret@")
    assert ask(kontor, f"{url}/redirect?to=/echo")["status"] == 200
    assert upstream.seen("/echo")[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_bodies_are_not_sent_elsewhere(kontor, upstream, method):
    """What was meant for one server would be sent to another without asking."""
    with Upstream("127.0.0.2") as other:
        said = ask(kontor, f"{upstream.url}/redirect?code=307&to={other.url}/echo", method=method,
                   body="private")
        assert (said["error"], said["status"]) == ("", 307)
        assert other.requests == []


# ---------------------------------------------------------------- ending in the middle

def descriptors(kontor):
    return len(os.listdir(pathlib.Path("/proc", str(kontor.workers()[0]), "fd")))


@pytest.mark.parametrize("path", ["/hang", "/endless", "/drip"])
def test_killed_while_it_waits(kontor, upstream, path):
    """Each process that ends inside a fetch would leave a connection and memory behind."""
    ask(kontor, f"{upstream.url}/closes")
    processes, before = kontor.processes(), descriptors(kontor)
    for _ in range(10):
        ask(kontor, upstream.url + path, path="/api/fetch/kill", after_ms=30,
            size_max=100 << 20, method="POST", body="x")
    wait_until(lambda: upstream.open == 0, 20, "the upstream's connections closed")
    kontor.wait_processes(processes)
    assert descriptors(kontor) <= before


def test_client_goes_away(make_kontor, upstream):
    """Visitors who close the tab would leave their requests to other servers behind."""
    kontor = make_kontor(plugins=("evaluation",), sections={
        "evaluation": {"upstream": f"{upstream.url}/hang", "upstream_timeout": "60s"}})
    processes = kontor.processes()
    with kontor.client() as client:
        for number in range(1, 21):
            client.send(fastcgi.request("/api/evaluation/slow", number))
        wait_until(lambda: upstream.waiting == 20, 20, "20 requests at the upstream")
    wait_until(lambda: upstream.open == 0, 20, "the upstream's connections closed")
    kontor.wait_processes(processes)


def test_stop_while_fetching(make_kontor, upstream):
    """An upgrade would crash on the requests that wait for others."""
    kontor = make_kontor(plugins=("evaluation",), settings={"drain_timeout": "1s"}, sections={
        "evaluation": {"upstream": f"{upstream.url}/hang", "upstream_timeout": "60s"}})
    with kontor.client() as client:
        client.start("/api/evaluation/slow")
        wait_until(lambda: upstream.waiting == 1, 20, "the request at the upstream")
        kontor.stop()


# ---------------------------------------------------------------- the proxy

def test_proxy(make_kontor, upstream, monkeypatch):
    """An operator whose servers reach the Internet through a proxy only could not use kontor."""
    import kontor as library
    monkeypatch.setitem(library.ENVIRONMENT, "http_proxy", "http://127.0.0.1:9")
    with Upstream() as proxy:
        address = proxy.url.replace("//", "//ada:secret@")
        kontor = make_kontor(plugins=("fetch",), settings={"fetch_proxy": address})
        ask(kontor, "http://example.org:8000/json?a=b")
        assert ask(kontor, f"{upstream.url}/json")["status"] == 200, "localhost is asked directly"
        ask(kontor, f"{upstream.url}/json", trusted=0)
        assert len(proxy.requests) == 1
        assert proxy.requests[0].path == "http://example.org:8000/json?a=b"
        assert proxy.requests[0].headers["proxy-authorization"].startswith("Basic ")
