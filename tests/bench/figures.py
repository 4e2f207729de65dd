# SPDX-License-Identifier: BSD-2-Clause
"""A figure: what we reached beside a peer, as one JSON object. Knows the goals, and how to compare
on a machine whose speed drifts: in turns, in short rounds, and by the median of their ratios."""

import json
import statistics

# What kontor promises. (figure, peer): the least ratio to that peer.
RATIO_GOALS = {
    **{(f"microservers_{store}_together_{figure}", "beam"): ratio_
       for store in ("redis", "sqlite") for figure, ratio_ in (("mean_ms", 1), ("p99_ms", 2))},
    ("now_64", "epoll"): 0.85,
    ("now_1000", "epoll"): 0.85,
    ("echo_64", "libfcgi"): 1.3,
    ("echo_1000", "libfcgi"): 1.3,
    ("rpc_1000", "node"): 1.15,
    ("slow_1000", "nginx"): 0.95,
    ("kvs_64", "ioredis"): 1.5,
    ("kvs_1000", "ioredis"): 1.5,
    ("xlsx_rows", "libxlsxwriter"): 4,
    ("download_70mb", "nginx"): 0.7,
    ("mail_postfix", "smtp-source"): 0.8,
    ("mail_synced", "smtp-load"): 0.8,
    ("mail", "smtp-load"): 0.8,
}
# Figure: the value itself, at least where more is better, else at most.
VALUE_GOALS = {
    **{f"microservers_{store}_{tick}_{figure}": bound for store in ("redis", "sqlite")
       for tick in ("together", "spread")
       for figure, bound in (("pass_s", 6.1), ("cpu_percent", 5), ("memory_mb", 25))},
    "microservers_redis_spread_p99_ms": 1,
    "microservers_sqlite_spread_p99_ms": 1,
    "now_64_newcomer_ms": 1000,
    "now_1000_newcomer_ms": 1000,
    "slow_1000_memory_mb": 40,
    "spawn_exit": 5,
    "round_trip": 8,
    "server_call": 4,
    "one_way": 15,
    "restart": 3,
    "stop_100000": 0.2,
    "sleeper_bytes": 256,
    "parked_bytes": 6 * 1024,
    "registry_lookup": 10,
    "registry_register": 1,
    "registry_evict_100000": 50,
    "store_reads": 150000,
    "xlsx_memory_mb": 32,
    "breakdown_750": 300,
    "week_crowd_1000_p99_ms": 300,
    "week_heavy_per_core": 400,
    "job_start_ms": 20,
    "job_crowd_1000_ms": 100,
    "mail_sleepers_memory_mb": 400,
    "mail_sleepers_start_s": 20,
    "observer_overhead_percent": 2,
}


def is_rate(unit):
    """Of so much per second more is better; of all other units less is."""
    return unit.endswith("/s")


def ratio(value, peer_value, unit):
    """How far we are ahead: above 1 whether more or less is better."""
    ahead, behind = (value, peer_value) if is_rate(unit) else (peer_value, value)
    return ahead / behind if behind else None


def in_turns(names, rounds, measure):
    """Measure all in every round, each second round backwards, so that drift favours nobody.
    @return {name: [what measure(name) returned, one for each round]}"""
    results = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            results[name].append(measure(name))
    return results


def compare(figure, unit, values, peer=None, peer_values=None):
    """The figure of these rounds. Without a peer its three fields are null."""
    value = statistics.median(values)
    result = {"figure": figure, "value": rounded(value), "unit": unit, "peer": peer,
              "peer_value": None, "ratio": None}
    if peer:
        result["peer_value"] = rounded(statistics.median(peer_values))
        pairs = [ratio(ours, theirs, unit) for ours, theirs in zip(values, peer_values)]
        ratios = [pair for pair in pairs if pair is not None]
        if ratios:
            result.update(ratio=rounded(statistics.median(ratios)), ratio_min=rounded(min(ratios)),
                          ratio_max=rounded(max(ratios)), rounds=len(ratios))
    return {**result, **judged(figure, unit, value, peer, result["ratio"])}


def judged(figure, unit, value, peer, reached_ratio):
    """What was promised for this figure, and whether it was kept; nothing if nothing was."""
    goal = {}
    if (figure, peer) in RATIO_GOALS:
        least = RATIO_GOALS[figure, peer]
        goal = {"goal": f"ratio >= {least:g}",
                "is_reached": reached_ratio is not None and reached_ratio >= least}
    elif figure in VALUE_GOALS:
        bound = VALUE_GOALS[figure]
        goal = {"goal": f"value {'>=' if is_rate(unit) else '<='} {bound:g}",
                "is_reached": value >= bound if is_rate(unit) else value <= bound}
    return goal


def rounded(value):
    """Four significant digits are more than any figure here deserves."""
    return float(f"{value:.4g}")


class Output:
    """Prints figures as they come, and keeps a copy in a file if one is given."""

    def __init__(self, path=None):
        self.file = open(path, "w", encoding="utf-8") if path else None

    def write(self, record, is_printed=True):
        line = json.dumps(record, ensure_ascii=False)
        if is_printed:
            print(line, flush=True)
        if self.file:
            print(line, file=self.file, flush=True)


def load(path):
    """A file that Output kept: (what is known of the machine, the figures)."""
    with open(path, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    environment = next((r["environment"] for r in records if "environment" in r), {})
    environment["left_out"] = (environment.get("left_out", []) +
                               [r["left_out"] for r in records if "left_out" in r])
    return environment, [r for r in records if "figure" in r]
