# SPDX-License-Identifier: BSD-2-Clause
"""The words and numbers that charts and tables show to people."""

SYSTEMS = {
    "kontor": "kontor",
    "epoll": "smallest epoll responder",
    "libfcgi": "libfcgi, threads",
    "node": "Node.js",
    "ioredis": "Node.js, ioredis",
    "node-redis": "Node.js, node-redis",
    "nginx": "nginx alone",
    "beam": "BEAM",
    "libxlsxwriter": "libxlsxwriter",
    "naive": "a counter for each minute",
    "sqlite": "bare SQLite, one thread",
    "now": "while others ask for now",
}

ENDPOINTS = {
    "now": "now: the smallest possible answer",
    "echo": "echo: JSON parsed and written",
    "rpc": "rpc: a call that takes 50 ms",
    "slow": "slow: an upstream that takes 200 ms",
    "kvs": "kvs: a document read from Redis",
}
CONNECTIONS = (64, 1000)

# The end of a figure's name: what it means.
METRICS = {
    "": "requests/s",
    "_cpu_us": "processor time of a request, µs",
    "_site_cpu_us": "the same with nginx, µs",
    "_p99_ms": "99 % answered within, ms",
    "_newcomer_ms": "worst wait of a newcomer, ms",
    "_memory_mb": "memory, MB",
}

# What happens inside one worker.
NATIVE = {
    "spawn_exit": "spawn and exit",
    "round_trip": "message there and back",
    "server_call": "call of a server",
    "one_way": "messages one way",
    "start_child": "start a child",
    "restart": "crash to running again",
    "stop_100000": "stop 100,000 children",
    "parked_bytes": "a parked process",
    "sleeper_bytes": "a sleeping server and its timer",
    "registry_lookup": "registry: look up",
    "registry_register": "registry: register",
    "registry_evict_100000": "registry: 100,000 owners die",
}

# The store in SQLite, without requests.
STORE = {
    "store_reads": "read",
    "store_reads_2_workers": "read, two workers",
    "store_write_alone": "write, one process",
    "store_writes": "write, a thousand processes",
    "store_writes_2_workers": "write, two workers",
    "store_echo_p99_ms": "99 % of echo answered while others write",
}

# Computations on the thread pool.
POOL = {
    "breakdown_750": "calendar: where a week of 750 events went",
}

# What happens inside a job.
FILES = {
    "xlsx_rows": "spreadsheet: rows of ten columns",
    "xlsx_memory_mb": "spreadsheet: memory beside a million of them",
}

UNITS = {"us": "µs"}


def number(value):
    """Three significant digits, with commas: 56,600 or 2.83."""
    if value >= 100:
        digits = max(len(str(int(value))) - 3, 0)
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def quantity(value, unit):
    """A number and its unit: 15.8 M/s."""
    return f"{number(value)} {UNITS.get(unit, unit)}"


def times(ratio):
    """A ratio to the peer: ×1.13."""
    return "" if ratio is None else f"×{number(ratio)}"


def by_name(figures):
    """{figure: {system: value}}, and every row by (figure, peer)."""
    values, rows = {}, {}
    for row in figures:
        found = values.setdefault(row["figure"], {})
        found["kontor"] = row["value"]
        if row["peer"]:
            found[row["peer"]] = row["peer_value"]
        rows[row["figure"], row["peer"]] = row
    return values, rows


def title(figure):
    """What a figure is called: "now, 1,000 connections"."""
    if figure in STORE:
        return f"store in SQLite: {STORE[figure]}"
    for titles in (NATIVE, POOL, FILES):
        if figure in titles:
            return titles[figure]
    endpoint, connections, *rest = figure.split("_")
    suffix = "".join("_" + word for word in rest)
    return f"{endpoint}, {int(connections):,} connections: {METRICS[suffix]}"
