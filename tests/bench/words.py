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
    "php": "PHP-FPM",
    "falcon": "Falcon, gunicorn",
    "puma": "Puma",
    "kore": "Kore",
    "cowboy": "Cowboy",
    "small-buffers": "kontor, buffers of 32k",
    "beam": "BEAM",
    "libxlsxwriter": "libxlsxwriter",
    "naive": "a counter for each minute",
    "sqlite": "bare SQLite, one thread",
    "now": "while others ask for now",
    "smtp-load": "a plain SMTP load",
    "smtp-source": "Postfix' smtp-source",
    "idle": "while nobody gets a mail",
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
    "_p50_ms": "half answered within, ms",
    "_p99_ms": "99 % answered within, ms",
    "_newcomer_ms": "worst wait of a newcomer, ms",
    "_memory_mb": "memory, MB",
    "_errors": "errors",
}

# The comparison of platforms: the columns of its tables.
PLATFORM_METRICS = {
    "": "requests/s",
    "_p50_ms": "half within, ms",
    "_p99_ms": "99 % within, ms",
    "_errors": "errors",
    "_memory_mb": "memory, MB",
    "_cpu_us": "processor time, µs",
    "_newcomer_ms": "worst newcomer, ms",
}
DIRECT = "-direct"

# Without a web server, and what nginx's buffers cost.
FASTCGI = {f"fastcgi_{setting}{suffix}": f"{words}: {metric}"
           for setting, words in (("64", "64 connections"), ("1000", "1,000 connections"),
                                  ("64x8", "64 connections, 8 requests on each"))
           for suffix, metric in (("", "requests/s"), ("_cpu_us", "processor time"),
                                  ("_p50_us", "half answered within"),
                                  ("_p99_us", "99 %"), ("_p999_us", "99.9 %"),
                                  ("_errors", "errors"))}
BUFFERS = {f"buffers_{count}{suffix}": f"{count:,} connections: {metric}"
           for count in CONNECTIONS
           for suffix, metric in METRICS.items() if suffix not in ("_memory_mb", "_errors")}

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

# A table that is counted down, one process a row.
MICROSERVERS = {f"microservers_{store}_{tick}_{suffix}": f"{words}: {metric}"
                for store, tick, words in (("redis", "together", "Redis, ticking together"),
                                           ("redis", "spread", "Redis, spread over the second"),
                                           ("sqlite", "together", "SQLite, ticking together"),
                                           ("sqlite", "spread", "SQLite, spread over the second"))
                for suffix, metric in (("mean_ms", "update, mean"), ("p99_ms", "update, 99 %"),
                                       ("cpu_percent", "of one core"), ("memory_mb", "memory"),
                                       ("pass_s", "a pass of 20,000 rows"))}

# Computations on the thread pool.
POOL = {
    "breakdown_750": "calendar: where a week of 750 events went",
}

# What happens inside a job.
FILES = {
    "xlsx_rows": "spreadsheet: rows of ten columns",
    "xlsx_memory_mb": "spreadsheet: memory beside a million of them",
}

# Ten thousand weekly mails at once, to Postfix, to a mail server that takes as long for a mail as a
# disk's sync, and to one that forgets them as they come; and a million mailers asleep.
MAILS = {f"mail{server}{suffix}": f"{metric}, {words}"
         for server, words in (("_postfix", "Postfix"), ("_synced", "server takes 10 ms"),
                               ("", "server forgets at once"))
         for suffix, metric in (("", "mails"), ("_cpu_us", "processor time of a mail"),
                                ("_echo_p99_ms", "99 % of echo answered while mails go out"))} | {
    "mail_sleepers_memory_mb": "a million mailers asleep",
    "mail_sleepers_start_s": "starting them from the store",
}

# All else that has a better name than its figure's.
OTHERS = MAILS | {
    "job_start_ms": "job: from request to an empty one that is ready",
    "job_crowd_1000_ms": "job: a thousand who want the same one",
    "job_others_p99_ms": "job: 99 % of others answered while 200 run",
    "week_crowd_1000_p50_ms": "calendar: a week, half of a thousand who ask at once have it",
    "week_crowd_1000_p99_ms": "calendar: a week, 99 % of a thousand who ask at once have it",
    "week_per_core": "calendar: weeks of 40 events, by second of processor time",
    "week_heavy_per_core": "calendar: weeks of 3 × 250 events, by second of processor time",
    "observer_echo_cpu_us": "processor time of an echo, observed by an open page",
    "observer_overhead_percent": "what being observed adds to an echo's processor time",
    "download_70mb": "a finished report of 70 MB",
    "download_70mb_growth_mb": "what the worker grows by it",
}

UNITS = {"us": "µs"}


def number(value):
    """Three significant digits, with commas: 56,600 or 2.83; a dash where there is none."""
    if value is None:
        return "–"
    if value >= 100:
        digits = max(len(str(int(value))) - 3, 0)
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def quantity(value, unit):
    """A number and its unit: 15.8 M/s."""
    return f"{number(value)} {UNITS.get(unit, unit)}".strip()


def times(ratio):
    """A ratio to the peer: ×1.13."""
    return "" if ratio is None else f"×{number(ratio)}"


def system(name):
    """What a system is called; one without nginx says so."""
    if name.endswith(DIRECT):
        return f"{system(name.removesuffix(DIRECT))}, without nginx"
    return SYSTEMS.get(name, name.replace("_", " "))


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
    if figure in MICROSERVERS:
        return f"one process a row, {MICROSERVERS[figure]}"
    for titles in (NATIVE, POOL, FILES, FASTCGI, BUFFERS, OTHERS):
        if figure in titles:
            return titles[figure]
    endpoint, _, rest = figure.partition("_")
    connections, _, metric = rest.partition("_")
    suffix = metric and f"_{metric}"
    if endpoint in ENDPOINTS and connections.isdigit() and suffix in METRICS:
        return f"{endpoint}, {int(connections):,} connections: {METRICS[suffix]}"
    return figure.replace("_", " ")


def has_table(figure):
    """Whether a figure belongs to one of the tables and charts above."""
    first = figure.partition("_")[0]
    return (first in ("platforms", "buffers", *ENDPOINTS) or
            any(figure in titles for titles in (NATIVE, STORE, MICROSERVERS, POOL, FILES,
                                                   FASTCGI)))
