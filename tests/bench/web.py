# SPDX-License-Identifier: BSD-2-Clause
"""Requests behind nginx: rate, waiting time, processor time, memory, and how newcomers fare; kontor
and its peers in turns, behind one nginx with the same settings."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import procfs
from figures import compare, in_turns
from frontend import Nginx
from kontor import BUILD
from newcomers import Newcomers
from ports import free_port
from redis_server import Redis
from systems import HERE, SLOW_MS, SYSTEMS, Upstream, http_block, is_there, snippet

ECHO_BODY = ('{"id":4711,"name":"Ada Lovelace","tags":["math","engine","notes"],'
             '"address":{"city":"London","zip":"W1"},"balance":1234.5,"active":true}')

# What upstream.c answers, whoever asks.
UPSTREAM_ANSWER = {"service": "upstream", "slow": "yes"}

# Endpoint: (what it does, its peers, the one that a goal names first: it is measured next to us).
ENDPOINTS = {
    "now": ("the smallest possible answer", ("epoll", "libfcgi", "node")),
    "echo": ("JSON parsed and written", ("libfcgi", "node")),
    "rpc": ("a call that takes 50 ms elsewhere", ("node", "libfcgi")),
    "slow": (f"an upstream that answers in {SLOW_MS} ms", ("nginx", "node")),
    "kvs": ("a document read from Redis", ("ioredis", "node-redis")),
}
CONNECTIONS = (64, 1000)
# An answer that takes 200 ms fits only a few times into a run: these runs are so much longer.
PATIENCE = {"slow": 2}

# What a run measures, beside requests/s: the end of the figure's name, and the unit.
METRICS = {"requests": ("", "requests/s"), "cpu_us": ("_cpu_us", "us"),
           "site_cpu_us": ("_site_cpu_us", "us"), "p50_ms": ("_p50_ms", "ms"),
           "p99_ms": ("_p99_ms", "ms"), "newcomer_ms": ("_newcomer_ms", "ms"),
           "memory_mb": ("_memory_mb", "MB"), "errors": ("_errors", "errors")}
# These need processes of the system's own; nginx alone has none.
OF_PROCESSES = ("cpu_us", "memory_mb")
# A second before the end, or half-way if that is earlier, all connections are busy.
MEMORY_BEFORE_END = 1
# The end of a name: the same system, asked without nginx.
DIRECT = "-direct"


class Site:
    """The systems that one endpoint is measured on and nginx before them, in a temporary folder."""

    def __init__(self, endpoint, connections, systems, is_direct=False, failed=None):
        """
        @param systems    {name: class}, ourselves first
        @param is_direct  whether those that speak HTTP are measured without nginx, too
        @param failed     called with the name of a peer that does not start or answers wrongly, and
                          why: then the others go on without it
        """
        self.endpoint = endpoint
        self.connections = connections
        self.processors = len(os.sched_getaffinity(0))
        self.classes = systems
        self.systems = {}
        self.is_direct = is_direct
        self.failed = failed
        self.body = ECHO_BODY if endpoint == "echo" else None
        self.key, self.document, self.redis = "4711", ECHO_BODY, None
        self.path = f"/api/evaluation/{endpoint}" + (f"/{self.key}" if endpoint == "kvs" else "")
        self.upstream_port = free_port()
        self.running = contextlib.ExitStack()

    @property
    def redis_path(self):
        """Where Redis is, if there is one."""
        return self.redis.path if self.redis else ""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-"))
        self.running.callback(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)
        try:
            self.open()
        except BaseException:
            self.running.close()
            raise
        return self

    def __exit__(self, *_):
        self.running.close()

    def open(self):
        if self.endpoint == "slow":
            self.keep(Upstream(self.upstream_port))
        if self.endpoint == "kvs":
            self.redis = self.keep(Redis(self.folder / "redis", tcp_backlog=4096))
            self.redis.ask("SET", f"kvs:{self.key}", self.document)
        for name, kind in self.classes.items():
            with self.doing_without(name):
                self.systems[name] = self.keep(kind(self))
        self.ports = {name: free_port() for name in self.systems}
        servers = [snippet(name, system, self.ports[name], self.connections)
                   for name, system in self.systems.items()]
        self.nginx = self.keep(Nginx(self.folder / "nginx",
                                     snippets=("\n".join([http_block(), *servers]), ""),
                                     workers=self.processors, connections=8192))
        if self.is_direct:
            self.open_direct()
        for name in tuple(self.systems):
            with self.doing_without(name):
                self.check(name)
        self.names = tuple(self.systems)

    @contextlib.contextmanager
    def doing_without(self, name):
        """What fails here is told, and the system left out, if that is allowed."""
        try:
            yield
        except (OSError, RuntimeError, ValueError, http.client.HTTPException,
                subprocess.SubprocessError) as error:
            if not self.failed or name == "kontor":
                raise
            self.systems.pop(name, None)
            self.failed(name, str(error))

    def open_direct(self):
        """Those that listen on a port of their own count twice: behind nginx, and without it."""
        for name, system in tuple(self.systems.items()):
            if hasattr(system, "port"):
                self.systems[name + DIRECT] = system
                self.ports[name + DIRECT] = system.port

    def keep(self, part):
        """Stop this part at the end, after those that were started later."""
        self.running.callback(part.stop)
        return part

    def check(self, name):
        """Ask a system once: what answers fast must answer right."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=10)
        with contextlib.closing(connection):
            connection.request("POST" if self.body else "GET", self.path, body=self.body,
                               headers={"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
        is_right = response.status == 200 and text
        if is_right and self.endpoint in ("echo", "kvs"):
            is_right = json.loads(text) == json.loads(self.document)
        if is_right and self.endpoint == "slow":
            is_right = json.loads(text) == UPSTREAM_ANSWER
        if not is_right:
            words = getattr(self.systems[name], "words", str)()
            raise RuntimeError(f"{name} answers {self.path} with {response.status}: {text[:80]!r}"
                               f"{words and ': ' + words}")

    def wrk(self, name, seconds):
        """Start the load generator on one system."""
        command = ["wrk", "-t", self.processors, "-c", self.connections, "-d", f"{seconds}s",
                   "--timeout", "10s", "-s", HERE / "load.lua",
                   f"http://127.0.0.1:{self.ports[name]}{self.path}", "--"]
        return subprocess.Popen([str(word) for word in [*command, *filter(None, [self.body])]],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def run(self, name, seconds):
        """One run of the load on one system. @return {metric: value}"""
        pids = self.systems[name].pids()
        families = (pids, procfs.family(self.nginx.process.pid))
        before = [procfs.processor_seconds(family) for family in families]
        with Newcomers(self.ports[name], self.path, self.body) as newcomers:
            load = self.wrk(name, seconds)
            time.sleep(max(seconds - MEMORY_BEFORE_END, seconds / 2))
            memory = procfs.memory_bytes(pids)
            output = load.communicate()[0]
            own, nginx = (procfs.processor_seconds(family) - began
                          for family, began in zip(families, before))
        if load.returncode != 0:
            raise RuntimeError(f"wrk ended with {load.returncode}")
        found = metrics(output, own, nginx, newcomers.worst_ms, memory)
        if found["errors"]:
            print(f"{name}, {self.endpoint}, {self.connections} connections: {found['errors']} "
                  "requests were answered with errors or not at all", file=sys.stderr)
        return found


def metrics(output, own, nginx, worst_ms, memory):
    """
    What a run comes to.
    @param output  of wrk, whose last line is that of load.lua
    @param own     processor time of the system, in seconds, and `nginx` that of the web server
    @param memory  in bytes
    @return {metric: value}, all METRICS
    """
    result = json.loads(output.splitlines()[-1])
    served = result["requests"] - result["refused"]
    each_us = 1e6 / max(result["requests"], 1)
    return {"requests": served / result["seconds"], "cpu_us": own * each_us,
            "site_cpu_us": (own + nginx) * each_us, "p50_ms": result["p50_ms"],
            "p99_ms": result["p99_ms"], "newcomer_ms": worst_ms, "memory_mb": memory / 1e6,
            "errors": result["refused"] + result["failed"]}


def run(name, options, emit):
    """Measure an endpoint at a number of connections, for example now_64."""
    endpoint, _, connections = name.partition("_")
    peers = {peer: SYSTEMS[peer] for peer in filter(is_there, ENDPOINTS[endpoint][1])}
    with Site(endpoint, int(connections), {"kontor": SYSTEMS["kontor"], **peers}) as site:
        for system in site.names:
            site.run(system, options.warmup_seconds)
        seconds = options.seconds * PATIENCE.get(endpoint, 1)
        measure(site, name, options.rounds, seconds, emit)


def measure(site, figure, rounds, seconds, emit):
    """Measure all systems of the site in turns, and emit what was found beside each peer."""
    found = in_turns(site.names, rounds, lambda system: site.run(system, seconds))
    for metric, (suffix, unit) in METRICS.items():
        values = {system: [one[metric] for one in runs] for system, runs in found.items()}
        for peer in site.names[1:]:
            if metric in OF_PROCESSES and not site.systems[peer].pids():
                continue
            emit(compare(figure + suffix, unit, values["kontor"], peer, values[peer]))
