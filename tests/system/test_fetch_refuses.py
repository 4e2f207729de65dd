# SPDX-License-Identifier: BSD-2-Clause
"""Addresses that users enter must not reach what only the operator's own machines may reach.

127.0.0.1 is allowed here by fetch_allow and stands for the Internet; 127.0.0.2 stands for the
operator's network.
"""

import json
import subprocess
import urllib.parse

import pytest

from fastcgi import wait_until
from kontor import ENVIRONMENT, KONTORD
from upstream import Upstream


@pytest.fixture
def outside():
    with Upstream("127.0.0.1") as server:
        yield server


@pytest.fixture
def inside():
    with Upstream("127.0.0.2") as server:
        yield server


@pytest.fixture
def kontor(make_kontor):
    return make_kontor(plugins=("fetch",), settings={"fetch_allow": "127.0.0.1"})


def ask(kontor, url, trusted=0, **options):
    query = urllib.parse.urlencode({"url": url, "trusted": trusted, **options})
    with kontor.client() as client:
        response = client.get(f"/api/fetch/fetch?{query}")
    assert response.status == 200, response.body
    return json.loads(response.body)


def test_allowed_network(kontor, outside):
    """A calendar server in the operator's own network could not be permitted."""
    assert ask(kontor, f"{outside.url}/json")["status"] == 200


def test_nothing_is_allowed_by_default(make_kontor, outside):
    """A user could read what the machine offers to itself only."""
    kontor = make_kontor(plugins=("fetch",))
    assert ask(kontor, f"{outside.url}/json")["error"] == "EACCES"
    assert outside.connections == 0


@pytest.mark.parametrize("host", [
    "127.0.0.2", "localhost", "127.2", "0x7f.0.0.2", "2130706434", "017700000002", "[::1]",
    "[::ffff:127.0.0.2]", "[::ffff:7f00:2]", "[64:ff9b::127.0.0.2]", "[2002:7f00:2::]", "0",
    "0.0.0.0", "[::]", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[fe80::1]", "[fd00::1]",
    "127.0.0.2.", "%31%32%37.0.0.2", "①②⑦.0.0.2"])
def test_special_addresses(make_kontor, inside, host):
    """A user could reach the operator's network by writing an address in another way."""
    kontor = make_kontor(plugins=("fetch",))
    said = ask(kontor, f"http://{host}:{inside.port}/json?secret=1")
    assert said["error"] in ("EACCES", "EINVAL"), said
    assert "secret" not in said["text"]
    assert inside.connections == 0


def test_name_of_an_inner_address(kontor, outside, inside):
    """A user could give a name of their own to a machine of the operator's."""
    # localhost is ::1 and 127.0.0.1: only the one that is allowed is tried.
    assert ask(kontor, f"http://localhost:{outside.port}/json")["status"] == 200
    kontor.write_config(fetch_allow="::1")
    kontor.control("reload")
    wait_until(lambda: ask(kontor, f"http://localhost:{outside.port}/json")["error"] != "", 20,
               "the new configuration")
    assert outside.connections == 1


def test_redirect_to_an_inner_address(kontor, outside, inside):
    """A user's own server could send kontor to a machine of the operator's."""
    said = ask(kontor, f"{outside.url}/redirect?to={inside.url}/json")
    assert said["error"] == "EACCES", said
    assert inside.connections == 0


def test_connection_of_the_operators_is_not_shared(make_kontor, inside):
    """A user could reach a server through a connection that the configuration opened."""
    kontor = make_kontor(plugins=("fetch",))
    assert ask(kontor, f"{inside.url}/json", trusted=1)["status"] == 200
    assert ask(kontor, f"{inside.url}/json")["error"] == "EACCES"
    name = f"http://localhost:{inside.port}/json"
    ask(kontor, name, trusted=1)
    assert ask(kontor, name)["error"] == "EACCES"
    assert len(inside.requests) == 1


@pytest.mark.parametrize("url, error", [
    ("file:///etc/passwd", "EACCES"), ("gopher://127.0.0.1/", "EACCES"),
    ("ftp://127.0.0.1/", "EACCES"), ("dict://127.0.0.1/", "EACCES"),
    ("javascript:alert(1)", "EACCES"), ("//127.0.0.1/", "EINVAL"), ("127.0.0.1", "EINVAL"),
    ("", "EINVAL"), ("http://", "EINVAL"), ("http://127.0.0.1:99999/", "EINVAL"),
    ("http://127.0.0.1:0/", "EINVAL"), ("http://a\r\nb/", "EINVAL"),
    ("http://ada:secret@127.0.0.1/", "EACCES"), ("http://127.0.0.1/" + "a" * 9000, "EINVAL")])
def test_addresses_that_are_none(kontor, url, error):
    """A user could read files, speak other protocols, or get an answer nobody understands."""
    said = ask(kontor, url)
    assert said["error"] == error, said
    assert said["text"] and "secret" not in said["text"]


@pytest.mark.parametrize("options", [
    {"method": "GET / HTTP/1.1\r\nX:"}, {"method": "CONNECT"}, {"header": "Host: other"},
    {"header": "X: a\r\nY: b"}, {"header": "Transfer-Encoding: chunked"}, {"header": "no colon"},
    {"timeout_ms": -1}, {"redirects_max": 21}, {"size_max": 1 << 40},
    {"method": "HEAD", "body": "x"}])
def test_requests_that_are_none(kontor, outside, options):
    """Whoever controls a part of a request could smuggle in another one."""
    assert ask(kontor, f"{outside.url}/json", **options)["error"] == "EINVAL"
    assert outside.connections == 0


@pytest.mark.parametrize("option, value, words", [
    ("fetch_allow", "10.0.0.0/8 10.0.0.1/8", "'10.0.0.1/8' is an address in a network"),
    ("fetch_allow", "intranet", "'intranet' is no network"),
    ("fetch_allow", "10.0.0.0/33", "0 to 32"),
    ("fetch_proxy", "proxy.example.org:3128", "http://proxy.example.org:3128"),
    ("fetch_proxy", "http://proxy.example.org", "with its port"),
    ("fetch_proxy", "socks5://ada:secret@proxy.example.org:1", "address of a proxy"),
    ("fetch_connections_max", "0", "fetch_connections_max")])
def test_mistakes_in_the_configuration(make_kontor, option, value, words):
    """An operator would open or close the wrong network and not notice."""
    kontor = make_kontor(start=False, plugins=(), settings={option: value})
    result = subprocess.run([str(KONTORD), "-c", str(kontor.config), "-t"], capture_output=True,
                            text=True, env=ENVIRONMENT, check=False)
    assert result.returncode != 0
    said = result.stdout + result.stderr
    assert words in said and f"{kontor.config}:" in said
    assert "secret" not in said
