# SPDX-License-Identifier: BSD-2-Clause
"""The comparison of platforms: the endpoints of the plugin evaluation on all that Debian packages,
behind the same nginx and, where they speak HTTP, without it. Wide rather than deep: few rounds of
short runs; the ratios that kontor promises are measured by web.py, beside few and for longer."""

import sys

import web
from peers import PLATFORMS
from systems import SYSTEMS, is_there

ENDPOINTS = ("echo", "rpc", "kvs", "slow")
# All of it in some ten minutes: eight sites of about twelve systems.
ROUNDS_MAX = 2
SECONDS_MAX = 2
WARMUP_SECONDS = 1


def names():
    """The benchmarks: platforms_echo_64 and so on."""
    return [f"platforms_{endpoint}_{connections}" for endpoint in ENDPOINTS
            for connections in web.CONNECTIONS]


def node(endpoint):
    """Node.js; where documents are asked for, with the client that most people use."""
    return ("ioredis" if is_there("ioredis") else "node-redis") if endpoint == "kvs" else "node"


def systems(endpoint):
    """{name: class} of those that have this endpoint and are on this machine, ourselves first."""
    found = {name: SYSTEMS[name] for name in ("kontor", "libfcgi", node(endpoint))}
    found.update({name: kind for name, kind in PLATFORMS.items()
                  if not kind.missing() and endpoint not in kind.lacks})
    return found


def left_out():
    """What the comparison does without, and why: [(name, endpoint or None for all, reason)]"""
    found = []
    for name, kind in PLATFORMS.items():
        if kind.missing():
            found.append((name, None, f"{kind.missing()} is not there"))
        else:
            found += [(name, *why) for why in kind.lacks.items()]
    return found


def run(name, options, emit):
    """Measure one of names()."""
    _, endpoint, connections = name.split("_")

    def failed(system, reason):
        print(f"{name} goes without {system}: {reason}", file=sys.stderr)
        emit({"left_out": [system, endpoint, f"it failed at {connections} connections"]})

    with web.Site(endpoint, int(connections), systems(endpoint), is_direct=True,
                  failed=failed) as site:
        for system in site.names:
            site.run(system, WARMUP_SECONDS)
        web.measure(site, name, min(options.rounds, ROUNDS_MAX),
                    min(options.seconds, SECONDS_MAX), emit)
