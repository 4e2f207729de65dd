# SPDX-License-Identifier: BSD-2-Clause
"""The endpoints by which platforms are compared: what they answer is what was asked."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

import pytest

KEPT = [b"{}", b"[]", b'""', b"null", b"-0.5", b'{"a":[1,2,{"b":"\\\\u0000"}]}', b'"\\u0001\\\\"',
        b'"\xc3\xa4"', b"1.5e+300"]
# cJSON would write "" or a part of it, and null.
NOT_KEPT = [b'"\\u0000x"', b'{"a\\u0000":1}', b'["x",{"y":"\\\\\\u0000"}]', b"1e999", b"[[-1e999]]",
            b'{"a":{"b":[1,1e400]}}']


@pytest.fixture
def kontor(make_kontor):
    return make_kontor(plugins=("evaluation",))


def echo(kontor, body):
    with kontor.client() as client:
        client.start("/api/evaluation/echo", body=body, method="POST", keep=False,
                     CONTENT_TYPE="application/json")
        return client.read_response()


def test_echo_answers_what_was_sent(kontor):
    """A comparison would be of answers that are wrong."""
    for body in KEPT:
        answer = echo(kontor, body)
        assert answer.status == 200 and json.loads(answer.body) == json.loads(body), body
    for body in NOT_KEPT:
        answer = echo(kontor, body)
        assert answer.status == 422 and b"written again" in answer.body, body
    deep = b"[" * 900 + b"1e999" + b"]" * 900
    assert echo(kontor, deep).status == 422


def test_slow_passes_on_what_the_upstream_says(make_kontor):
    """A text of somebody else would arrive cut, with the status of a whole one."""
    said = [b"{}"]

    class Upstream(BaseHTTPRequestHandler):
        def do_GET(self):  # pylint: disable=invalid-name
            self.send_response(200)
            self.send_header("Content-Length", str(len(said[0])))
            self.end_headers()
            self.wfile.write(said[0])

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        kontor = make_kontor(plugins=("evaluation",), sections={"evaluation": {
            "upstream": f"http://127.0.0.1:{server.server_address[1]}/"}})
        for body, status in [(one, 200) for one in KEPT] + [(one, 502) for one in NOT_KEPT]:
            said[0] = body
            with kontor.client() as client:
                answer = client.get("/api/evaluation/slow")
            assert answer.status == status, body
            assert status == 502 or json.loads(answer.body) == json.loads(body)
    finally:
        server.shutdown()
        server.server_close()
