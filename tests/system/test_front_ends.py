# SPDX-License-Identifier: BSD-2-Clause
"""The same requests through every web server that speaks FastCGI.

What a web server cannot do stands in its entry below, and the tests then look for what it does
instead: nothing is left out silently.
"""

import concurrent.futures
import json
import os
import pathlib
import socket
from dataclasses import dataclass, field

import pytest
import requests

MEBIBYTE = 1 << 20


@dataclass
class FrontEnd:
    """A web server as the tests see it."""
    server: str
    mount: str = ""
    options: dict = field(default_factory=dict)
    starts: bool = False  # it starts kontord itself
    serves_pages: bool = True
    chunked_max: int = MEBIBYTE  # how long an upload may be that doesn't tell its length
    encodes_slash: bool = True  # a %2F in a path reaches kontor (as a slash)
    sees_length_of_head: bool = True

    @property
    def name(self):
        words = [self.server, *(str(word) for word in self.options), self.mount and "mounted"]
        return "-".join(word for word in words if word)


PLUGINS = ("evaluation", "skeleton", "protocol")
MOUNT = "/tools/kontor"
FRONT_ENDS = [FrontEnd(mount=mount, **entry) for mount in ("", MOUNT) for entry in (
    {"server": "nginx"},
    # Apache leaves the length out of an answer without a body.
    {"server": "apache", "sees_length_of_head": False, "encodes_slash": False},
    {"server": "fcgid", "starts": True, "sees_length_of_head": False, "encodes_slash": False},
    {"server": "lighttpd"},
    {"server": "caddy"},
    # HAProxy refuses what has no length and doesn't fit into its buffer.
    {"server": "haproxy", "serves_pages": False, "chunked_max": 8192},
    {"server": "haproxy", "serves_pages": False, "chunked_max": 8192,
     "options": {"multiplexed": False}},
)]


@pytest.fixture(params=FRONT_ENDS, ids=lambda entry: entry.name)
def entry(request):
    return request.param


@pytest.fixture
def site(entry, make_kontor, make_frontend):
    """A web server with kontor behind it; has `url`, the address of kontor."""
    kontor = make_kontor(start=not entry.starts, plugins=PLUGINS)
    server = make_frontend(entry.server, kontor, mount=entry.mount, **entry.options)
    server.kontor = kontor
    server.url += entry.mount
    return server


def test_everyday_requests(site, entry):
    """Nobody could use kontor behind this web server, at this place."""
    with requests.Session() as session:
        answer = session.get(f"{site.url}/api/evaluation/now")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/json")
        constant = answer.content
        assert json.loads(constant)
        assert session.get(f"{site.url}/ping").text == "pong\n"

        thing = {"text": "Zürich \"quoted\" \\", "list": [1, 2.5, None, True]}
        answer = session.post(f"{site.url}/api/evaluation/echo", json=thing)
        assert answer.status_code == 200
        assert answer.json() == thing

        answer = session.head(f"{site.url}/api/evaluation/now")
        assert answer.status_code == 200
        assert answer.content == b""
        if entry.sees_length_of_head:
            assert int(answer.headers["Content-Length"]) == len(constant)

        name = "Ada & Zoë = 100% +/?"
        answer = session.get(f"{site.url}/api/skeleton/hello", params={"name": name})
        assert answer.json()["name"] == name


def test_error_statuses(site, entry):
    """Mistakes in an address would look like an empty success, or like a broken server."""
    for method, path, status in (
            ("GET", "/api/evaluation/nothing", 404), ("POST", "/api/evaluation/now", 405),
            ("GET", "/api/skeleton/stream?bytes=x", 400), ("GET", "/api/%65valuation/now", 200),
            ("GET", "/api/evaluation%2Fnow", 200 if entry.encodes_slash else 404)):
        answer = requests.request(method, site.url + path, data=b"x" if method == "POST" else None)
        assert answer.status_code == status, path
        if status != 200 and "%2F" not in path:
            assert answer.headers["Content-Type"].startswith("application/problem+json")
            assert answer.json()["status"] == status


def test_pages(site, entry):
    """The page would not be there, or without its charts."""
    page = requests.get(f"{site.url}/")
    if not entry.serves_pages:
        assert page.status_code == 404  # kontor's: it has no pages itself
        return
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Chart.js" in requests.get(f"{site.url}/vendor/chart.js/chart.min.js").text[:200]


def checksum(body):
    """The sum that skeleton's /fcgx makes of a body."""
    total = 0
    for byte in body:
        total = (total * 31 + byte) % 4294967291
    return total


def test_bodies(site, entry):
    """Uploads would arrive cut, or not at all."""
    url = f"{site.url}/api/skeleton/fcgx"
    body = bytes(range(256)) * (MEBIBYTE // 256)
    expected = f"method POST\nlength {len(body)}\nsum {checksum(body)}\n"
    assert requests.post(url, data=body).text == expected
    part = body[:entry.chunked_max]
    pieces = (part[i:i + 7000] for i in range(0, len(part), 7000))
    answer = requests.post(url, data=pieces)
    assert answer.status_code == 200
    assert f"length {len(part)}\nsum {checksum(part)}\n" in answer.text
    assert "length 0\n" in requests.post(url, data=b"").text


def test_big_answer(site):
    """Downloads would be cut short, or changed on their way."""
    answer = requests.get(f"{site.url}/api/skeleton/stream?bytes={7 * MEBIBYTE + 1}")
    assert answer.status_code == 200
    assert len(answer.content) == 7 * MEBIBYTE + 1
    assert set(answer.content) == {ord("k")}


def test_answer_in_pieces(site):
    """What a handler sends piece by piece would come only at its end, which may be in an hour."""
    answer = requests.get(f"{site.url}/api/protocol/trickle", stream=True, timeout=20)
    assert answer.status_code == 200
    with answer:
        assert next(answer.iter_lines()) == b"data: 1"


def test_visitor_leaves(site, entry):
    """Each visitor who closes the tab would leave a process and its memory behind."""
    if entry.starts:
        # kontord can't be asked from outside; the next requests say whether it serves.
        control = None
    else:
        control = site.kontor
        before = control.processes()
    path = f"{entry.mount}/api/skeleton/stream?bytes={1000 * MEBIBYTE}"
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", site.port), timeout=30) as visitor:
            visitor.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            assert visitor.recv(65536)
    if control:
        control.wait_processes(before)
    assert requests.get(f"{site.url}/ping").status_code == 200


def test_many_at_once(site):
    """Visitors who come at the same time would get each other's answers, or none."""
    def ask(number):
        answer = requests.post(f"{site.url}/api/evaluation/echo", json={"number": number})
        return answer.json()["number"]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(200))) == list(range(200))


def sockets(pid):
    """How many sockets an OS process has open."""
    found = 0
    for path in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += os.readlink(path).startswith("socket:")
        except FileNotFoundError:
            pass  # closed meanwhile
    return found


def test_requests_share_connections(make_kontor, make_frontend):
    """A web server that shares connections would have one visitor wait for another."""
    kontor = make_kontor(sections={"evaluation": {"rpc_time": "3s"}})
    worker = kontor.workers()[0]
    before = sockets(worker)
    site = make_frontend("haproxy", kontor)
    # The first request on each connection asks for the values.
    for _ in range(20):
        assert requests.get(f"{site.url}/ping").status_code == 200
    visitors = []
    for _ in range(60):
        visitor = site.connect()
        visitor.request("GET", "/api/evaluation/rpc")
        visitors.append(visitor)
    kontor.wait_requests(60)
    assert sockets(worker) - before < 40, "no connection carries several requests"
    assert requests.get(f"{site.url}/api/evaluation/now").status_code == 200
    assert kontor.requests() > 0, "others are answered before"
    for visitor in visitors:
        assert visitor.getresponse().read() == b'{"service":"kontor","status":"ok"}'
