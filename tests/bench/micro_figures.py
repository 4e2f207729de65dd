# SPDX-License-Identifier: BSD-2-Clause
"""A table of 20,000 rows, counted down by one process a row, beside the same on the BEAM: with
Redis and SQLite, ticking together and spread over the second; with SQLite also beside SQLite alone.
Each measures its second pass."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time

import procfs
from figures import compare, in_turns
from kontor import BUILD, Kontor, collect_plugins
from redis_server import Redis
from systems import HERE

# A round takes half a minute; more than these say nothing new.
ROUNDS_MAX = 3
# Two passes of six seconds each, and pauses; seconds.
TIMEOUT = 60
MEMORY_STEP = 0.5
LOCAL = {"REMOTE_ADDR": "127.0.0.1"}
# The figures of a pass: their names in the answers, and what they are divided by.
FIGURES = {"pass_s": ("duration_ms", 1000, "s"), "mean_ms": ("mean_us", 1000, "ms"),
           "p99_ms": ("p99_us", 1000, "ms"), "cpu_percent": ("cpu_percent", 1, "%"),
           "memory_mb": ("memory_bytes", 1e6, "MB")}

VARIANTS = {f"microservers_{store}_{tick}": (store, tick)
            for store in ("redis", "sqlite") for tick in ("together", "spread")}


class Place:
    """A folder on the disk with a store of its own, which goes at the end."""

    def __init__(self, store):
        self.running = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-", dir="/var/tmp"))
        self.running.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        self.redis = None
        if store == "redis":
            self.redis = Redis(self.folder / "redis")
            self.running.callback(self.redis.stop)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running.close()


def most_memory(pid, is_over):
    """The most that a process and its children have in RAM until it is over."""
    ends = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        most = pool.submit(watch_memory, pid, ends)
        try:
            await_end(is_over)
        finally:
            ends.set()
        return most.result()


def watch_memory(pid, ends):
    """Looks when nobody else wants the processor: twice a second each update that is due in the
    meantime would wait for it, and those are more than the one in a hundred that p99 leaves out."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))  # of this thread only
    most = 0
    while not ends.wait(MEMORY_STEP):
        most = max(most, procfs.memory_bytes(procfs.family(pid)))
    return most


def await_end(is_over):
    end = time.monotonic() + TIMEOUT
    while not is_over():
        if time.monotonic() > end:
            raise RuntimeError("the second pass does not come to its end")
        time.sleep(MEMORY_STEP)


def ask(kontor, path, method="GET"):
    with kontor.client() as client:
        client.start(f"/api/microservers{path}", method=method, keep=False, **LOCAL)
        response = client.read_response()
    return json.loads(response.body) if response.status == 200 else None


def measure_kontor(store, tick):
    with Place(store) as place:
        home = place.folder / "kontor"
        home.mkdir()
        kontor = Kontor(home, collect_plugins(place.folder / "plugins"), plugins=("microservers",),
                        settings={"log_level": "warning", "store": place.redis.unix if place.redis
                                  else f"sqlite:{place.folder}/store.db"},
                        sections={"microservers": {"tick": tick}})
        place.running.callback(kontor.stop)
        kontor.start()
        end = time.monotonic() + TIMEOUT
        while not ask(kontor, "/start", "POST"):
            if time.monotonic() > end:
                raise RuntimeError("no worker watches the table")
            time.sleep(0.1)
        last = {}

        def is_over():
            last.update((ask(kontor, "/") or {}).get("last_pass") or {})
            return last.get("pass", 0) >= 2
        return {"memory_bytes": most_memory(kontor.process.pid, is_over), **without(last)}


def without(last):
    """How much memory the worker thinks it has; the kernel knows it of all together."""
    return {name: value for name, value in last.items() if name != "memory_bytes"}


def measure_beam(store, tick):
    with Place(store) as place:
        subprocess.run(["erlc", "-o", str(place.folder), str(HERE / "peer_microservers.erl")],
                       check=True)
        address = place.redis.path if place.redis else str(place.folder / "rows.db")
        return measure_program(place, ["erl", "-noshell", "-pa", str(place.folder), "-run",
                                       "peer_microservers", "main", store, address, tick])


def measure_sqlite(store, tick):
    """SQLite alone, without processes: what is left to reach."""
    with Place(store) as place:
        return measure_program(place, [BUILD / "tests/bench/peer_sqlite",
                                       place.folder / "rows.db", tick])


def measure_program(place, command):
    """The last object that a program prints, and the most memory that it had."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          cwd=place.folder,
                          env={**os.environ, "ERL_CRASH_DUMP_SECONDS": "0"}) as program:
        try:
            memory = most_memory(program.pid, lambda: program.poll() is not None)
        finally:
            program.kill()
        lines = [line for line in program.stdout if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"{command[0]} did not come to the end of its pass")
    return {"memory_bytes": memory, **json.loads(lines[-1])}


def run(name, options, emit):
    store, tick = VARIANTS[name]
    systems = {"kontor": measure_kontor, "beam": measure_beam}
    if store == "sqlite":
        systems["sqlite"] = measure_sqlite
    rounds = in_turns(tuple(systems), min(options.rounds, ROUNDS_MAX),
                      lambda system: systems[system](store, tick))
    for figure, (field, divisor, unit) in FIGURES.items():
        values = {system: [result[field] / divisor for result in results]
                  for system, results in rounds.items()}
        for peer in list(systems)[1:]:
            emit(compare(f"{name}_{figure}", unit, values["kontor"], peer, values[peer]))
