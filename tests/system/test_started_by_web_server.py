# SPDX-License-Identifier: BSD-2-Clause
"""kontord started with a listening socket on descriptor 0: mod_fcgid, spawn-fcgi, cgi-fcgi."""

import os
import pathlib
import signal
import subprocess

import pytest
import requests

import fastcgi
from fastcgi import Client, Closed, wait_until
from kontor import ENVIRONMENT, START_TIMEOUT, is_alive
from ports import free_port


def cgi_fcgi(*arguments, path="/api/evaluation/now", method="GET", body=b"", environment=None):
    """Run cgi-fcgi as a web server runs a CGI program. Returns its whole answer."""
    variables = fastcgi.parameters(path, method, length=len(body) if body else None,
                                   content_type="application/json")
    result = subprocess.run(["cgi-fcgi", *arguments], input=body, capture_output=True,
                            timeout=START_TIMEOUT, check=False,
                            env={"PATH": os.environ["PATH"], **(environment or {}),
                                 **{name: str(value) for name, value in variables.items()}})
    assert result.returncode == 0, result.stderr
    return result.stdout


def answers(address):
    """Whether a kontord serves there."""
    try:
        with Client(address) as client:
            return client.get("/ping", keep=False).status == 200
    except (OSError, Closed):
        return False


def masters(kontor):
    """The masters that were started with this configuration."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if str(kontor.config).encode() in words and words[0].endswith(b"kontord"):
            found.append((int(folder.name), parent))
    workers = {pid for pid, parent in found if parent in {pid for pid, _ in found}}
    return [pid for pid, _ in found if pid not in workers]


@pytest.fixture
def copies(make_kontor):
    """A configuration to be started by others; whatever they started is ended afterwards."""
    kontor = make_kontor(start=False)
    yield kontor
    pids = masters(kontor)
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not any(map(is_alive, pids)), START_TIMEOUT, "the copies have ended")


def test_cgi_fcgi(kontor):
    """Programs that ask kontor from a command line would hang or get half an answer."""
    answer = cgi_fcgi("-bind", "-connect", kontor.socket)
    assert answer.startswith(b"Status: 200 OK\r\n")
    assert answer.endswith(b'{"service":"kontor","status":"ok"}')
    body = b'"' + b"x" * 300000 + b'"'
    answer = cgi_fcgi("-bind", "-connect", kontor.socket, path="/api/evaluation/echo",
                      method="POST", body=body)
    assert answer.partition(b"\r\n\r\n")[2] == body
    answer = cgi_fcgi("-bind", "-connect", kontor.socket, path="/api/nobody")
    assert answer.startswith(b"Status: 404 ")


def test_copies_on_one_socket(copies, program):
    """A web server that starts a second kontord would get an error from it, and start a third."""
    script = str(copies.write_starter(program))
    socket_path = str(copies.folder / "started.sock")
    environment = {"TMPDIR": str(copies.folder)}
    answer = cgi_fcgi("-start", "-connect", socket_path, script, "2", environment=environment)
    if answer:
        assert answer.startswith(b"Status: 200 OK\r\n")
    copies.wait_log("is ready", count=2)
    copies.wait_log("listening on descriptor 0", count=2)
    assert len(copies.wait_log("using run_dir .* of its own")) == 1
    assert len(masters(copies)) == 2
    assert answers(socket_path)
    # One of them is the one that kontorctl finds; when either is gone, the other one serves.
    first = copies.status()["pid"]
    os.kill(first, signal.SIGTERM)
    wait_until(lambda: not is_alive(first), START_TIMEOUT, "the first copy has ended")
    for _ in range(20):
        assert answers(socket_path)
    os.kill(masters(copies)[0], signal.SIGTERM)
    wait_until(lambda: not masters(copies), START_TIMEOUT, "both have ended")
    assert not list(copies.folder.glob("kontor-*")), "a run directory is left behind"


@pytest.mark.parametrize("stays", [True, False])
def test_spawn_fcgi(copies, program, stays):
    """kontor could not be started as other FastCGI applications are."""
    script = copies.write_starter(program)
    socket_path = str(copies.folder / "spawned.sock")
    command = ["spawn-fcgi", "-s", socket_path, *(["-n"] if stays else []), "--", str(script)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    if not stays:
        assert process.wait(START_TIMEOUT) == 0
    wait_until(lambda: answers(socket_path), START_TIMEOUT, "kontord answers")
    assert not pathlib.Path(copies.socket).exists()  # `listen` of the configuration is not used
    pid = copies.status()["pid"]
    assert (pid == process.pid) == stays
    # A reload keeps the socket, which nobody could open again.
    assert copies.control("reload").returncode == 0
    assert answers(socket_path)
    os.kill(pid, signal.SIGTERM)
    if stays:
        assert process.wait(START_TIMEOUT) == 0
    wait_until(lambda: not is_alive(pid), START_TIMEOUT, "kontord has ended")


def test_mod_fcgid_starts_and_stops(copies, make_frontend):
    """Apache's stop would leave kontords behind, or its load would be more than one can take."""
    site = make_frontend("fcgid", copies)
    assert requests.get(f"{site.url}/ping").text == "pong\n"
    assert len(masters(copies)) == 1
    site.stop()
    wait_until(lambda: not masters(copies), START_TIMEOUT, "Apache's kontord has ended")


WEB_SERVERS = [("127.0.0.1", True), ("192.0.2.1,::1", False), ("192.0.2.1,127.0.0.1", True)]


@pytest.mark.parametrize("addresses, is_served", WEB_SERVERS)
def test_web_server_addresses(make_kontor, monkeypatch, addresses, is_served):
    """Machines that are no web servers could talk to kontor, in anybody's name."""
    port = free_port()
    kontor = make_kontor(start=False)
    kontor.write_config(listen=f"unix:{kontor.socket} 127.0.0.1:{port}")
    monkeypatch.setitem(ENVIRONMENT, "FCGI_WEB_SERVER_ADDRS", addresses)
    monkeypatch.setattr(kontor, "answers", lambda: "is ready" in kontor.log())
    kontor.start()
    assert answers(("127.0.0.1", port)) == is_served
    assert not answers(kontor.socket)  # no TCP: the specification says so


def test_mistake_in_web_server_addresses(make_kontor, monkeypatch):
    """A slip in the list would let everybody in, or nobody, without a word."""
    kontor = make_kontor(start=False)
    monkeypatch.setitem(ENVIRONMENT, "FCGI_WEB_SERVER_ADDRS", "127.0.0.1 ::1")
    with pytest.raises(RuntimeError, match="expected are at most 64 IP addresses"):
        kontor.start()
    kontor.process = None
