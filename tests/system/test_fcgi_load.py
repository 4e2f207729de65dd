# SPDX-License-Identifier: BSD-2-Clause
"""The load generator of tests/bench: what it counts is what happened."""

import json
import socket
import struct
import subprocess
import threading

import pytest

from fastcgi import (BEGIN_REQUEST, CONTENT_MAX, END_REQUEST, KEEP_CONN, OVERLOADED,
                     REQUEST_COMPLETE, STDERR, STDIN, STDOUT, record, wait_until)
from kontor import BUILD

LOAD = BUILD / "tests/bench/fcgi_load"
FAILURES = ("connect", "closed", "protocol", "status", "body", "timeout")
TIMEOUT = 60
HEAD = b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\n"


def load(*words):
    """Run it. @return what it says"""
    done = subprocess.run([str(word) for word in (LOAD, "--json", *words)], timeout=TIMEOUT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    found = json.loads(done.stdout)
    assert found["errors"] == sum(found[f"errors_{name}"] for name in FAILURES)
    assert found["succeeded"] + found["errors"] - found["errors_connect"] == found["started"]
    assert done.returncode == (1 if found["errors"] else 0)
    assert found["p50_us"] <= found["p90_us"] <= found["p99_us"] <= found["max_us"]
    return found


@pytest.mark.parametrize("words", [("-c", 8), ("-c", 4, "-m", 16), ("-c", 8, "--close")],
                         ids=["kept", "multiplexed", "closed"])
def test_counts_what_kontor_answers(make_kontor, words):
    """A comparison would be of requests that never were."""
    kontor = make_kontor(settings={"workers": "2", "request_log": "yes"})
    found = load("-n", 1000, *words, "--path", "/api/evaluation/now", kontor.socket)
    assert (found["started"], found["succeeded"], found["errors"]) == (1000, 1000, 0)
    assert found["connections"] == (1000 if "--close" in words else words[1])
    wait_until(lambda: kontor.log().count("/api/evaluation/now") >= 1000, TIMEOUT, "the log")
    assert kontor.log().count("/api/evaluation/now") == 1000


def test_bodies_are_sent_and_compared(make_kontor):
    """A server that mixes up the answers of one connection would look fast."""
    kontor = make_kontor()
    body = json.dumps({"text": "x" * CONTENT_MAX}, separators=(",", ":"))
    words = ("-n", 20, "-c", 2, "-m", 4, "--path", "/api/evaluation/echo", "--body", body)
    assert load(*words, "--expect-body", body, kontor.socket)["succeeded"] == 20
    assert load(*words, "--expect-body", body[:-1], kontor.socket)["errors_body"] == 20


def test_waits_are_waits(make_kontor):
    """Percentiles would say nothing of what a person waits."""
    kontor = make_kontor(sections={"evaluation": {"rpc_time": "100ms"}})
    found = load("-n", 64, "-c", 2, "-m", 16, "--path", "/api/evaluation/rpc", kontor.socket)
    assert found["succeeded"] == 64
    assert found["p50_us"] >= 100000
    # two turns of 32 that wait at the same time, not 64 one after the other
    assert found["seconds"] < 2


def test_a_time_is_kept(make_kontor):
    """Requests that were under way at the end would be lost, or the run would not end."""
    kontor = make_kontor(sections={"evaluation": {"rpc_time": "50ms"}})
    for words in (("-c", 16), ("-c", 16, "--close"), ("-c", 2, "-m", 8)):
        found = load("-s", 0.3, *words, "--path", "/api/evaluation/rpc", kontor.socket)
        assert found["errors"] == 0
        assert 0.3 <= found["seconds"] < 2
        # what came after the end does not count
        assert found["rate"] * found["seconds"] <= found["succeeded"] + 1


def test_a_wrong_status_is_an_error(kontor):
    """An error page, which is made quickly, would pass for a good answer."""
    words = ("-n", 10, "-c", 2, "--path", "/api/evaluation/nothing")
    assert load(*words, kontor.socket)["errors_status"] == 10
    assert load(*words, "--expect-status", 404, kontor.socket)["succeeded"] == 10


class Broken:
    """A FastCGI program that answers each request on a connection with the same bytes, and then
    closes it if it is told to."""

    def __init__(self, path, answer, closes=False):
        self.answer, self.closes = answer, closes
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.flags = set()
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            while header := stream.read(8):
                _, kind, number, length, padding = struct.unpack(">BBHHBx", header)
                content = stream.read(length + padding)
                if kind == BEGIN_REQUEST:
                    self.flags.add(content[2])
                if kind == STDIN and length == 0:
                    connection.sendall(self.answer(number))
                    if self.closes:
                        return


def end(number, status=REQUEST_COMPLETE):
    return record(END_REQUEST, number, struct.pack(">IB3x", 0, status))


ANSWERS = {
    # what is sent, and what it counts as
    "good": (lambda n: record(STDOUT, n, HEAD + b"hello") + end(n), None),
    "in pieces": (lambda n: b"".join(record(STDOUT, n, bytes([byte]), padding=3)
                                     for byte in HEAD + b"hello") + end(n), None),
    "with words on stderr": (lambda n: record(STDERR, n, b"oh") +
                             record(STDOUT, n, b"Status: 200 OK\n\nhello") + end(n), None),
    "cut": (lambda n: record(STDOUT, n, HEAD + b"hell") + end(n), "body"),
    "too long": (lambda n: record(STDOUT, n, HEAD + b"hello!") + end(n), "body"),
    "other text": (lambda n: record(STDOUT, n, HEAD + b"hallo") + end(n), "body"),
    "no headers": (lambda n: record(STDOUT, n, b"hello") + end(n), "protocol"),
    "nothing": (end, "protocol"),
    "refused": (lambda n: end(n, OVERLOADED), "protocol"),
    "of another request": (lambda n: record(STDOUT, n + 7, HEAD) + end(n), "protocol"),
    "another version": (lambda n: record(STDOUT, n, HEAD + b"hello", version=2), "protocol"),
    "not FastCGI": (lambda n: b"HTTP/1.1 200 OK\r\n\r\nhello", "protocol"),
    "endless headers": (lambda n: record(STDOUT, n, b"X: y\r\n" * 2000) + end(n), "protocol"),
    "server error": (lambda n: record(STDOUT, n, b"Status: 500 No\r\n\r\nhello") + end(n),
                     "status"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_broken_answers_are_errors(folder, name):
    """A server that breaks under load would win the comparison."""
    answer, failure = ANSWERS[name]
    path = folder / "broken.sock"
    with Broken(path, answer) as server:
        found = load("-n", 20, "-c", 2, "--expect-body", "hello", path)
        assert server.flags == {KEEP_CONN}
    assert found["started"] == 20
    assert found["errors"] == (20 if failure else 0)
    assert failure is None or found[f"errors_{failure}"] == 20


def test_a_connection_that_ends_early_is_an_error(folder):
    """A server whose workers die under load would look well."""
    path = folder / "broken.sock"
    with Broken(path, lambda n: record(STDOUT, n, HEAD + b"he"), closes=True):
        found = load("-n", 12, "-c", 3, path)
    assert (found["started"], found["errors_closed"]) == (12, 12)


def test_an_answer_that_does_not_come_is_an_error(folder):
    """A server that forgets requests would have the best percentiles."""
    path = folder / "broken.sock"
    with Broken(path, lambda n: b""):
        found = load("-n", 6, "-c", 2, "-m", 3, "-t", 0.2, path)
    assert (found["started"], found["errors_timeout"]) == (6, 6)


def test_nobody_there(folder):
    """Whoever mistypes a socket would read a rate of nothing."""
    done = subprocess.run([str(LOAD), "-s", "0.2", str(folder / "nobody.sock")], timeout=TIMEOUT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "nobody accepts" in done.stderr and not done.stdout


def test_help_and_mistakes():
    """Nobody could learn how to use it."""
    done = subprocess.run([str(LOAD), "--help"], stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0 and "--multiplex" in done.stdout
    for words in ((), ("-c", "0", "x"), ("-m", "2", "--close", "x"), ("--nonsense", "x"),
                  ("-s", "soon", "x"), ("host:", ), ("--method", "HEAD", "x")):
        done = subprocess.run([str(LOAD), *words], stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2 and done.stderr
