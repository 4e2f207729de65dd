# SPDX-License-Identifier: BSD-2-Clause
"""Requests per second behind nginx, kontor and two peers in turns, and how newcomers fare.

All three stand behind the same nginx, get the same parameters and keep their connections. The
machine's speed drifts, so every round measures all three and the median of the rounds counts.
"""

import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time

from fastcgi import wait_until
from frontend import EXAMPLES, Nginx
from kontor import BUILD, Kontor, collect_plugins

CONNECTIONS = (64, 1000)
ROUNDS = 3
SECONDS = 3
# Threads of the libfcgi program: what people set, and more than the processors need.
PEER_THREADS = 64
# A newcomer knocks so often, and gives up after so long; seconds.
NEWCOMER_INTERVAL = 0.2
NEWCOMER_TIMEOUT = 5

ECHO_BODY = ('{"id":4711,"name":"Ada Lovelace","tags":["math","engine","notes"],'
             '"address":{"city":"London","zip":"W1"},"balance":1234.5,"active":true}')
ECHO_SCRIPT = f"""
wrk.method = "POST"
wrk.body = '{ECHO_BODY}'
wrk.headers["Content-Type"] = "application/json"
"""


class House:
    """kontor, the peers and nginx in front of them, on a temporary folder."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-"))
        os.chmod(self.folder, 0o755)
        self.processors = os.cpu_count() or 1
        self.running = []
        try:
            self.open()
        except BaseException:
            self.close()
            raise

    def open(self):
        home = self.folder / "kontor"
        home.mkdir()
        self.kontor = Kontor(home, collect_plugins(self.folder / "plugins"),
                             plugins=("evaluation",),
                             settings={"workers": str(self.processors), "request_log": "no",
                                       "log_level": "warning"})
        self.running.append(self.kontor)
        self.kontor.start()
        sockets = {"kontor": self.kontor.socket}
        for name, count in (("libfcgi", PEER_THREADS), ("epoll", self.processors)):
            sockets[name] = str(self.folder / f"{name}.sock")
            self.running.append(Peer(BUILD / f"tests/bench/peer_{name}", sockets[name], count))
        self.nginx = Nginx(self.folder / "nginx", snippets=snippets(sockets),
                           workers=self.processors, connections=8192)
        self.running.append(self.nginx)
        (self.folder / "echo.lua").write_text(ECHO_SCRIPT)

    def close(self):
        for part in reversed(self.running):
            part.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def load(self, system, endpoint, connections, seconds=SECONDS):
        """Run wrk once. @return requests per second that were answered well"""
        command = ["wrk", "-t", str(self.processors), "-c", str(connections), "-d", f"{seconds}s",
                   "--timeout", "10s"]
        if endpoint == "echo":
            command += ["-s", str(self.folder / "echo.lua")]
        output = subprocess.run([*command, f"{self.nginx.url}/{system}/api/evaluation/{endpoint}"],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                check=True).stdout
        total, took = re.search(r"(\d+) requests in ([\d.]+)s", output).groups()
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
        return (int(total) - int(bad.group(1) if bad else 0)) / float(took)

    def worst_newcomer(self, system, endpoint, connections):
        """The longest that a fresh connection waited while a load ran, in milliseconds."""
        load = threading.Thread(target=self.load, args=(system, endpoint, connections, 2 * SECONDS))
        waits, threads = [], []
        load.start()
        # The first second belongs to the load, which takes its connections.
        time.sleep(1)
        while load.is_alive():
            threads.append(threading.Thread(
                target=lambda: waits.append(self.newcomer(f"/{system}/api/evaluation/now"))))
            threads[-1].start()
            load.join(NEWCOMER_INTERVAL)
        for thread in threads:
            thread.join()
        return max(waits)

    def newcomer(self, path):
        """One request on a fresh connection. @return its waiting time in milliseconds"""
        began = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", self.nginx.port),
                                          timeout=NEWCOMER_TIMEOUT) as connection:
                connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                is_well = b" 200 " in connection.recv(65536).partition(b"\r\n")[0]
        except OSError:
            is_well = False
        return (time.monotonic() - began if is_well else NEWCOMER_TIMEOUT) * 1000


class Peer:
    """A FastCGI program beside kontor."""

    def __init__(self, program, path, count):
        self.process = subprocess.Popen([str(program), path, str(count)],
                                        stdin=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(path), what=f"{program} listens")

    def stop(self):
        self.process.kill()
        self.process.wait()


def snippets(sockets):
    """One upstream and one location for each system, as in examples/nginx."""
    upstream = (EXAMPLES / "nginx/upstream.conf").read_text()
    location = (EXAMPLES / "nginx/kontor.conf").read_text()
    location = location[location.index("# What kontor answers"):]
    upstreams, locations = [], []
    for name, path in sockets.items():
        upstreams.append(upstream.replace("upstream kontor", f"upstream {name}")
                         .replace("/run/kontor/kontor.sock", path)
                         .replace("keepalive 64;", f"keepalive {max(CONNECTIONS)};"))
        locations.append(location.replace("(?<kontor_mount>)", f"(?<kontor_mount>/{name})")
                         .replace("fastcgi_pass kontor;", f"fastcgi_pass {name};"))
    return "\n".join(upstreams), "\n".join(locations)


PEERS = {"libfcgi": f"libfcgi, {PEER_THREADS} threads", "epoll": "smallest epoll responder"}


def run(name, emit):
    """Measure one of now, echo, newcomers."""
    house = House()
    try:
        for connections in CONNECTIONS:
            if name == "newcomers":
                figures = {system: house.worst_newcomer(system, "echo", connections)
                         for system in ("kontor", *PEERS)}
                unit, lower_is_better = "ms, the worst", True
            else:
                figures = measure(house, name, connections)
                unit, lower_is_better = "requests/s", False
            for peer, words in PEERS.items():
                emit(f"web.{name}.{connections}", figures["kontor"], unit, words, figures[peer],
                     lower_is_better)
    finally:
        house.close()


def measure(house, endpoint, connections):
    """The median rate of each system over all rounds."""
    rates = {system: [] for system in ("kontor", *PEERS)}
    for _ in range(ROUNDS):
        for system, values in rates.items():
            values.append(house.load(system, endpoint, connections))
    return {system: statistics.median(values) for system, values in rates.items()}
