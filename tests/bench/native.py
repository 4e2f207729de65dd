# SPDX-License-Identifier: BSD-2-Clause
"""What happens inside one worker or job, beside the BEAM or a library: programs that print their own
figures, one JSON object {"figure", "value", "unit"} a line, and measure only those that they are
asked for."""

import atexit
import json
import pathlib
import shutil
import subprocess
import tempfile

from figures import compare, in_turns
from kontor import BUILD
from systems import HERE

# Benchmark: our program, and its figures in the order in which they are measured.
PROGRAMS = {
    "process": ("bench_process", ("spawn_exit", "round_trip", "server_call", "one_way",
                                  "start_child", "restart", "stop_100000", "parked_bytes",
                                  "sleeper_bytes")),
    "registry": ("bench_registry", ("registry_lookup", "registry_register",
                                    "registry_evict_100000")),
    "store": ("bench_store", ("store_reads", "store_reads_2_workers", "store_write_alone",
                              "store_writes", "store_writes_2_workers")),
    "breakdown": ("bench_breakdown", ("breakdown_750",)),
    "xlsx": ("bench_xlsx", ("xlsx_rows", "xlsx_memory_mb")),
}
# These write the same with a bare library, too, when they are asked to: its name.
LIBRARIES = {"breakdown": "naive", "store": "sqlite", "xlsx": "libxlsxwriter"}
# Memory is the same in every round, and a million processes take their time.
MEMORY_ROUNDS = 1

# A program that takes longer for one figure hangs; seconds.
TIMEOUT = 120

# A million processes are more than the BEAM allows by default; its schedulers are as they come.
# With its registry, mailboxes are kept off the heap: 100,000 exits at once make it ten times slower
# otherwise, since each collection of garbage goes through all that wait.
BEAM_FLAGS = {"process": ("+P", "2000000"), "registry": ("+P", "2000000", "+hmqd", "off_heap")}
ELIXIR = "/usr/lib/elixir/lib/elixir/ebin"


class Beam:
    """The module peer_beam, compiled into a temporary folder that goes at our end."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        subprocess.run(["erlc", "-o", str(self.folder), str(HERE / "peer_beam.erl")], check=True)

    def command(self, benchmark, figure):
        return ["erl", *BEAM_FLAGS[benchmark], "-noshell", "-pa", str(self.folder), ELIXIR, "-run",
                "peer_beam", "main", figure]


def measure(command):
    """Run a program for one figure. @return (value, unit)"""
    output = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                            check=True, timeout=TIMEOUT).stdout
    for line in map(json.loads, output.splitlines()):
        if line["figure"] == command[-1]:
            return line["value"], line["unit"]
    raise RuntimeError(f"{command[0]} does not know {command[-1]}")


def run(name, options, emit):
    """Measure all figures of one of PROGRAMS."""
    program, figures = PROGRAMS[name]
    path = str(BUILD / "tests/bench" / program)
    peer = LIBRARIES.get(name, "beam")
    beam = Beam() if peer == "beam" else None
    for figure in figures:
        commands = {"kontor": [path, figure],
                    peer: beam.command(name, figure) if beam else [path, f"--{peer}", figure]}
        rounds = MEMORY_ROUNDS if figure.endswith(("_bytes", "_mb")) else options.rounds
        results = in_turns(tuple(commands), rounds, lambda system: measure(commands[system]))
        values = {system: [value for value, _ in runs] for system, runs in results.items()}
        emit(compare(figure, results["kontor"][0][1], values["kontor"], peer, values[peer]))
