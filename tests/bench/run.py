#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""List or run benchmarks; each prints its figures as JSON lines. See scripts/bench."""

import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "system"))

BUILD = pathlib.Path(os.environ.get("KONTOR_BUILD", HERE.parents[1] / "build-bench"))


def emit(figure, value, unit, peer=None, peer_value=None, lower_is_better=False):
    """Print one figure; the ratio is above 1 when we are ahead."""
    ratio = None
    if peer_value is not None:
        ahead, behind = (peer_value, value) if lower_is_better else (value, peer_value)
        ratio = round(ahead / behind, 3) if behind else None
    print(json.dumps({"figure": figure, "value": rounded(value), "unit": unit, "peer": peer,
                      "peer_value": rounded(peer_value), "ratio": ratio}), flush=True)


def rounded(value):
    """Three digits behind the point are more than any figure here deserves."""
    return value if value is None else round(value, 3)


def run_process(_):
    """Pass on the figures of a program that measures inside one worker."""
    with subprocess.Popen([str(BUILD / "tests/bench/bench_process")], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as program:
        for line in program.stdout:
            figure = json.loads(line)
            emit(figure["figure"], figure["value"], figure["unit"], figure.get("peer"),
                 figure.get("peer_value"), figure.get("lower_is_better", False))
    if program.returncode != 0:
        raise SystemExit(f"bench_process ended with {program.returncode}")


def run_web(name):
    """Measure behind nginx; the name says what."""
    import web
    web.run(name.partition(".")[2], emit)


PEERS = "beside threaded libfcgi and the smallest epoll responder"
BENCHMARKS = {
    "process": (run_process, "spawn and exit, messages, calls, memory of servers, in one worker"),
    "web.now": (run_web, f"the smallest answer, through nginx {PEERS}"),
    "web.echo": (run_web, f"JSON parsed and written, through nginx {PEERS}"),
    "web.newcomers": (run_web, f"how long a fresh connection waits under load, {PEERS}"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the benchmarks and stop")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    if arguments.list:
        for name, (_, words) in BENCHMARKS.items():
            print(f"{name:16}{words}")
        return 0
    # "web" stands for all whose name begins with "web.".
    chosen = [name for name in BENCHMARKS if not arguments.names or
              any(name == wanted or name.startswith(wanted + ".") for wanted in arguments.names)]
    unknown = [wanted for wanted in arguments.names if not
               any(name == wanted or name.startswith(wanted + ".") for name in BENCHMARKS)]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; see --list")
    for name in chosen:
        BENCHMARKS[name][0](name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
