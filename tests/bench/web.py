# SPDX-License-Identifier: BSD-2-Clause
"""Requests behind nginx: rate, waiting time, processor time, memory, and how newcomers fare; kontor
and its peers in turns, behind one nginx with the same settings."""

import contextlib
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
from frontend import Nginx, free_port
from kontor import BUILD
from newcomers import Newcomers
from redis_server import Redis
from systems import HERE, SLOW_MS, SYSTEMS, Upstream, is_there, snippet

ECHO_BODY = ('{"id":4711,"name":"Ada Lovelace","tags":["math","engine","notes"],'
             '"address":{"city":"London","zip":"W1"},"balance":1234.5,"active":true}')

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
           "site_cpu_us": ("_site_cpu_us", "us"), "p99_ms": ("_p99_ms", "ms"),
           "newcomer_ms": ("_newcomer_ms", "ms"), "memory_mb": ("_memory_mb", "MB")}
# These need processes of the system's own; nginx alone has none.
OF_PROCESSES = ("cpu_us", "memory_mb")
# A second before the end, or half-way if that is earlier, all connections are busy.
MEMORY_BEFORE_END = 1


class Site:
    """The systems that one endpoint is measured on and nginx before them, in a temporary folder."""

    def __init__(self, endpoint, connections):
        self.endpoint = endpoint
        self.connections = connections
        self.processors = len(os.sched_getaffinity(0))
        self.names = ("kontor", *filter(is_there, ENDPOINTS[endpoint][1]))
        self.body = ECHO_BODY if endpoint == "echo" else None
        self.key, self.document, self.redis = "4711", ECHO_BODY, None
        self.path = f"/api/evaluation/{endpoint}" + (f"/{self.key}" if endpoint == "kvs" else "")
        self.upstream_port = free_port()
        self.running = contextlib.ExitStack()

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
            self.redis = self.keep(Redis(self.folder / "redis"))
        self.systems = {name: self.keep(SYSTEMS[name](self)) for name in self.names}
        self.ports = {name: free_port() for name in self.names}
        servers = [snippet(name, system, self.ports[name], self.connections)
                   for name, system in self.systems.items()]
        self.nginx = self.keep(Nginx(self.folder / "nginx", snippets=("\n".join(servers), ""),
                                     workers=self.processors, connections=8192))

    def keep(self, part):
        """Stop this part at the end, after those that were started later."""
        self.running.callback(part.stop)
        return part

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
        result = json.loads(output.splitlines()[-1])
        if result["refused"] or result["failed"]:
            print(f"{name}, {self.endpoint}, {self.connections} connections: {result['refused']} "
                  f"answers were no success, {result['failed']} failed", file=sys.stderr)
        served = result["requests"] - result["refused"]
        each_us = 1e6 / max(result["requests"], 1)
        return {"requests": served / result["seconds"], "cpu_us": own * each_us,
                "site_cpu_us": (own + nginx) * each_us, "p99_ms": result["p99_ms"],
                "newcomer_ms": newcomers.worst_ms, "memory_mb": memory / 1e6}


def run(name, options, emit):
    """Measure an endpoint at a number of connections, for example now_64."""
    endpoint, _, connections = name.partition("_")
    with Site(endpoint, int(connections)) as site:
        for system in site.names:
            site.run(system, options.warmup_seconds)
        seconds = options.seconds * PATIENCE.get(endpoint, 1)
        rounds = in_turns(site.names, options.rounds, lambda system: site.run(system, seconds))
        for metric, (suffix, unit) in METRICS.items():
            values = {system: [one[metric] for one in runs] for system, runs in rounds.items()}
            for peer in site.names[1:]:
                if metric in OF_PROCESSES and not site.systems[peer].pids():
                    continue
                emit(compare(name + suffix, unit, values["kontor"], peer, values[peer]))
