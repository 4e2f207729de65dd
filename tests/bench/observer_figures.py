# SPDX-License-Identifier: BSD-2-Clause
"""What it costs to be observed: the processor time of an echo with the observer loaded, sampling, and
read by one open page, beside the same kontord without it. Both run all the time, and are measured in
turns; processor time tells more than rates do on a machine that does other things, too."""

import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import threading

import procfs
from fastcgi import Closed
from figures import compare, in_turns
from kontor import BUILD, Kontor, collect_plugins
from web import ECHO_BODY

LOAD = BUILD / "tests/bench/fcgi_load"
CONNECTIONS = 64
SYSTEMS = {"observed": ("evaluation", "observer"), "alone": ("evaluation",)}
LOCAL = {"REMOTE_ADDR": "127.0.0.1"}


def watch(kontor, running):
    """Read the page's stream of events until the end."""
    client = running.enter_context(kontor.client())
    client.start("/api/observer/events", keep=False, **LOCAL)

    def read():
        with contextlib.suppress(OSError, Closed, ValueError):
            client.read_response()
    threading.Thread(target=read, daemon=True).start()


def load(kontor, seconds):
    """Echo for so long. @return processor time of an answer in microseconds"""
    [pid] = kontor.workers()
    before = procfs.processor_seconds([pid])
    done = subprocess.run([str(word) for word in (
        LOAD, "--json", "-c", CONNECTIONS, "-s", seconds, "--method", "POST", "--body", ECHO_BODY,
        "--path", "/api/evaluation/echo", kontor.socket)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    spent = procfs.processor_seconds([pid]) - before
    return spent * 1e6 / json.loads(done.stdout)["started"]


def run(_, options, emit):
    """Measure both, and by how much the one costs more."""
    with contextlib.ExitStack() as running:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-"))
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        os.chmod(folder, 0o755)
        plugins = collect_plugins(folder / "plugins")
        systems = {}
        for name, loaded in SYSTEMS.items():
            (folder / name).mkdir(mode=0o755)
            systems[name] = Kontor(folder / name, plugins, plugins=loaded).start()
            running.callback(systems[name].stop)
        watch(systems["observed"], running)
        for kontor in systems.values():
            load(kontor, options.warmup_seconds)
        found = in_turns(tuple(systems), 2 * options.rounds,
                         lambda name: load(systems[name], options.seconds))
    more = statistics.median(observed / alone - 1
                             for observed, alone in zip(found["observed"], found["alone"]))
    emit(compare("observer_echo_cpu_us", "us", found["observed"], "unobserved", found["alone"]))
    emit(compare("observer_overhead_percent", "%", [more * 100]))
