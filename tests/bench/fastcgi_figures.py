# SPDX-License-Identifier: BSD-2-Clause
"""kontord without a web server in front: FastCGI spoken by our own load generator (fcgi_load), on
kept connections, one request at a time or several at once on each; beside the smallest epoll
responder and a program with libfcgi and threads."""

import json
import subprocess

import procfs
from figures import compare, in_turns
from kontor import BUILD
from systems import SYSTEMS
from web import Site

LOAD = BUILD / "tests/bench/fcgi_load"
ENDPOINT = "now"
# Name: (connections, requests at once on each, peers). libfcgi refuses the second request at once.
BENCHMARKS = {"fastcgi_64": (64, 1, ("epoll", "libfcgi")),
              "fastcgi_1000": (1000, 1, ("epoll", "libfcgi")),
              "fastcgi_64x8": (64, 8, ("epoll",))}
# What is told of a run: the end of the figure's name, and the unit.
METRICS = {"rate": ("", "requests/s"), "cpu_us": ("_cpu_us", "us"), "p50_us": ("_p50_us", "us"),
           "p99_us": ("_p99_us", "us"), "p99_9_us": ("_p999_us", "us"),
           "errors": ("_errors", "errors")}


def command(socket, path, connections, streams, seconds):
    """How the load generator is called."""
    return [str(word) for word in (LOAD, "--json", "-c", connections, "-m", streams, "-s", seconds,
                                   "--path", path, socket)]


def load(site, name, streams, seconds):
    """One run on one system. @return what fcgi_load says, and the system's own processor time"""
    socket = site.systems[name].server.removeprefix("unix:")
    pids = site.systems[name].pids()
    before = procfs.processor_seconds(pids)
    done = subprocess.run(command(socket, site.path, site.connections, streams, seconds),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout:
        raise RuntimeError(f"fcgi_load ended with {done.returncode} on {name}")
    found = json.loads(done.stdout)
    own = procfs.processor_seconds(pids) - before
    return {**found, "cpu_us": own * 1e6 / max(found["started"], 1)}


def run(name, options, emit):
    """Measure one of BENCHMARKS."""
    connections, streams, peers = BENCHMARKS[name]
    with Site(ENDPOINT, connections, {peer: SYSTEMS[peer] for peer in ("kontor", *peers)}) as site:
        for system in site.names:
            load(site, system, streams, options.warmup_seconds)
        found = in_turns(site.names, options.rounds,
                         lambda system: load(site, system, streams, options.seconds))
    for metric, (suffix, unit) in METRICS.items():
        for peer in peers:
            emit(compare(name + suffix, unit, [one[metric] for one in found["kontor"]], peer,
                         [one[metric] for one in found[peer]]))
