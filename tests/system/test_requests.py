# SPDX-License-Identifier: BSD-2-Clause
"""Requests through the web servers that people have."""

import json

import pytest
import requests

PLACES = [(server, mount, keep) for server in ("nginx", "apache")
          for mount in ("", "/tools/kontor") for keep in (True, False)]


@pytest.fixture(params=PLACES, ids=lambda p: f"{p[0]}{'-mounted' * bool(p[1])}{'-keep' * p[2]}")
def site(request, kontor, make_frontend):
    """The address of kontor behind a web server."""
    server, mount, keep = request.param
    return make_frontend(server, kontor, mount=mount, keep=keep).url + mount


def test_get_post_head(site):
    """Nobody could use kontor behind this web server, at this place."""
    with requests.Session() as session:
        answer = session.get(f"{site}/api/evaluation/now")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("application/json")
        constant = answer.content
        assert json.loads(constant)

        thing = {"text": "Zürich \"quoted\" \\", "list": [1, 2.5, None, True], "nested": {"a": {}}}
        answer = session.post(f"{site}/api/evaluation/echo", json=thing)
        assert answer.status_code == 200
        assert answer.json() == thing

        answer = session.head(f"{site}/api/evaluation/now")
        assert answer.status_code == 200
        assert answer.content == b""
        # Apache leaves the length out of an answer without a body, nginx passes it on.
        assert int(answer.headers.get("Content-Length", len(constant))) == len(constant)


def test_head_tells_the_length(kontor):
    """Programs that ask how large something is would not learn it."""
    with kontor.client() as client:
        answer = client.get("/api/evaluation/now")
        head = client.get("/api/evaluation/now", method="HEAD")
        assert head.status == 200
        assert head.body == b""
        assert int(head.headers["content-length"]) == len(answer.body)


def test_ping(site):
    """A load balancer or monitor could not tell that kontor is up."""
    assert requests.get(f"{site}/ping").status_code == 200


def test_pages_beside_the_api(site):
    """The page would not be there, or without its charts."""
    page = requests.get(f"{site}/")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    script = requests.get(f"{site}/vendor/chart.js/chart.min.js")
    assert script.status_code == 200
    assert "Chart.js" in script.text[:200]


def test_query_and_special_characters(site):
    """Names with blanks, umlauts or signs would reach a plugin broken."""
    name = "Ada & Zoë = 100% +/?"
    answer = requests.get(f"{site}/api/skeleton/hello", params={"name": name})
    assert answer.status_code == 200
    assert answer.json()["name"] == name


def test_what_is_not_there(site):
    """Mistakes in an address would look like an empty success, or like a broken server."""
    for path in ("/api/evaluation/nothing", "/api/nobody/now"):
        answer = requests.get(site + path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.json()["status"] == 404
    answer = requests.post(f"{site}/api/evaluation/now", data=b"x")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_bad_json(site):
    """A client's mistake would be answered as if it were the server's."""
    for body in (b"{", b"", b'{"a":1} x', b"\xff"):
        answer = requests.post(f"{site}/api/evaluation/echo", data=body,
                               headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, body
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    answer = requests.post(f"{site}/api/evaluation/echo", data=b"a=1",
                           headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 415
