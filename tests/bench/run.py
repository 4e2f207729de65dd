#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""List or run benchmarks; each prints its figures as JSON lines. See scripts/bench."""

import argparse
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = pathlib.Path(os.environ.get("KONTOR_SOURCE", HERE.parents[1])).resolve()
os.environ.setdefault("KONTOR_BUILD", str(ROOT / "build-bench"))
sys.path.insert(0, str(HERE.parent / "system"))

# pylint: disable=wrong-import-position
import buffers  # noqa: E402
import charts  # noqa: E402
import downloads  # noqa: E402
import environment  # noqa: E402
import fastcgi_figures  # noqa: E402
import figures  # noqa: E402
import job_figures  # noqa: E402
import mail_figures  # noqa: E402
import micro_figures  # noqa: E402
import native  # noqa: E402
import observer_figures  # noqa: E402
import platforms  # noqa: E402
import procfs  # noqa: E402
import report  # noqa: E402
import store_figures  # noqa: E402
import web  # noqa: E402
import week_figures  # noqa: E402

# So much of the machine may be busy before we begin.
BUSY_MAX = 0.1


def benchmarks():
    """{name: (function, words)}"""
    found = {"process": (native.run, "spawn and exit, messages, calls, supervisors, memory of "
                                     "processes; beside the BEAM"),
             "registry": (native.run, "look up, register, evict; beside Elixir's Registry"),
             "store": (native.run, "read and write documents in SQLite by a thousand processes; "
                                   "beside bare SQLite, which syncs the disk for each"),
             "storeload": (store_figures.run, "the wait for echo while others write to the store; "
                                              "beside others who ask for now"),
             "download": (downloads.run, "a finished report of 70 MB; beside nginx with a static "
                                         "file"),
             "xlsx": (native.run, "a spreadsheet of 1,000,000 rows of ten columns, checked; beside "
                                  "bare libxlsxwriter"),
             "breakdown": (native.run, "where a week of 750 events went; beside a part of the same "
                                       "with a counter for each minute"),
             "jobs": (job_figures.run, "a job from request to result, a thousand who want one, what "
                                       "others notice of two hundred; beside a bare process"),
             "week": (week_figures.run, "a thousand people who ask at once for their week of 40 "
                                        "events, live from a calendar that takes 200 ms; and weeks "
                                        "by processor time, beside Node.js"),
             "week_heavy": (week_figures.run, "weeks of three calendars with 250 events each, by "
                                              "processor time; beside Node.js"),
             "observer": (observer_figures.run, "what an echo costs with the observer and an open "
                                                "page; beside the same without it"),
             "mail_postfix": (mail_figures.run, "ten thousand mails that wake in the same second, to "
                                                "Postfix; beside its own load"),
             "mail_synced": (mail_figures.run, "the same to a server that takes 10 ms for each and "
                                               "forgets it; beside a plain SMTP load"),
             "mail": (mail_figures.run, "the same to a server that forgets them as they come"),
             "sleepers": (mail_figures.run, "a million mailers asleep: their memory, and their "
                                            "start from the store")}
    for name, (store, tick) in micro_figures.VARIANTS.items():
        words = "ticking together" if tick == "together" else "ticks spread over the second"
        found[name] = (micro_figures.run, f"20,000 rows in {store}, a process each, {words}; "
                                          "beside the BEAM")
    for endpoint, (words, peers) in web.ENDPOINTS.items():
        for connections in web.CONNECTIONS:
            found[f"{endpoint}_{connections}"] = (
                web.run, f"{words}, {connections} connections; beside {', '.join(peers)}")
    for name in platforms.names():
        found[name] = (platforms.run, "the same on other platforms, with and without nginx")
    for name in fastcgi_figures.BENCHMARKS:
        found[name] = (fastcgi_figures.run, "without a web server: FastCGI from our own load "
                                            "generator; connections x requests at once on each")
    for name in buffers.names():
        found[name] = (buffers.run, "the examples' large buffers of nginx beside smaller ones")
    return found


def chosen(known, wanted):
    """The benchmarks that are meant: all, or those named; "now" stands for now_64 and now_1000."""
    unknown = [word for word in wanted if not any(is_meant(name, word) for name in known)]
    if unknown:
        raise SystemExit(f"no such benchmark: {', '.join(unknown)}; see --list")
    return [name for name in known
            if not wanted or any(is_meant(name, word) for word in wanted)]


def is_meant(name, word):
    return name == word or name.startswith(word + "_")


def parse():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the benchmarks and stop")
    parser.add_argument("--quick", action="store_true", help="few short rounds, to try it out")
    parser.add_argument("--rounds", type=int, help="how often all systems are measured in turns")
    parser.add_argument("--seconds", type=int, help="how long each run of a load takes")
    parser.add_argument("--save", metavar="FILE", help="keep the figures, too, in this file")
    parser.add_argument("--charts", metavar="FILE",
                        help="draw docs/bench-*.svg and the tables of docs/BENCHMARKS.md from the "
                             "figures kept in this file, and stop")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.seconds = options.seconds or (1 if options.quick else 3)
    options.warmup_seconds = 1 if options.quick else 2
    return options


def main():
    options = parse()
    known = benchmarks()
    if options.list:
        for name, (_, words) in known.items():
            print(f"{name:30}{words}")
        return
    if options.charts:
        saved = figures.load(options.charts)
        charts.draw(*saved, ROOT / "docs")
        report.write(*saved, ROOT / "docs/BENCHMARKS.md")
        return
    names = chosen(known, options.names)
    busy = procfs.busy_share(seconds=1)
    if busy > BUSY_MAX:
        print(f"This machine is {busy:.0%} busy with other things: systems with more threads get "
              "more of it, and rates are not worth much.", file=sys.stderr)
    output = figures.Output(options.save)
    output.write({"environment": {**environment.facts(), "rounds": options.rounds,
                                  "seconds": options.seconds,
                                  "left_out": platforms.left_out(),
                                  "busy_percent": round(100 * busy)}}, is_printed=False)
    failed = [name for name in names if not is_measured(known[name][0], name, options, output)]
    if failed:
        raise SystemExit(f"not measured: {', '.join(failed)}")


def is_measured(run, name, options, output):
    """Run one benchmark. One that fails says why and lets the others go on."""
    try:
        run(name, options, output.write)
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    main()
