# SPDX-License-Identifier: BSD-2-Clause
"""The weekly mailer: ten thousand mails that wake in the same second, beside a plain SMTP load with
as many connections and mails as large; and a million mailers that sleep. The mail server is one
that forgets what it takes: at once, or after as long as one takes that writes a mail to a disk."""

import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import procfs
from fastcgi import wait_until
from figures import compare, in_turns
from frontend import free_port
from kontor import BUILD, collect_plugins
from mailers import Mailer
from systems import Program, is_listening

MAILS = 10000
MILLION = 1000000
WORKERS = 2
# Of each worker, and of the load as many as of all workers together.
CONNECTIONS = 16
# What the slower server takes for a mail: the wait of one disk sync, in milliseconds.
SYNC_MS = 10
# A store without work gives its caches back after five seconds.
SETTLE_SECONDS = 7
# Seconds that ten thousand mails, and the start of a million mailers, may take.
PATIENCE = 180
BODY = b'{"id":4711,"name":"Ada Lovelace","active":true}'


class Sink(Program):
    """The mail server."""

    def __init__(self, delay_ms):
        self.port = free_port()
        super().__init__(BUILD / "tests/bench/smtp_sink", self.port, delay_ms)
        try:
            wait_until(lambda: is_listening(("127.0.0.1", self.port)), 10, "the sink listens")
        except TimeoutError:
            self.stop()
            raise

    def ask(self, *words):
        """Say some of its own words. @return the last answer"""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            lines = connection.makefile("rb")
            lines.readline()
            for word in words:
                connection.sendall(word.encode() + b"\r\n")
                answer = lines.readline().decode()
        return answer

    def counts(self):
        """Mails, connections, bytes since it was asked to forget, ns from first to last."""
        return dict((name, int(number)) for number, name in
                    re.findall(r"(\d+) (mails|connections|bytes|ns)", self.ask("XCOUNT")))

    def rate(self):
        """Mails a second, from the first to the last."""
        counts = self.counts()
        return (counts["mails"] - 1) / (counts["ns"] / 1e9)


class House:
    """kontor with people who want a mail: `due` now, or in three days."""

    def __init__(self, sink, count, due):
        self.running = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-", dir="/var/tmp"))
        self.running.callback(shutil.rmtree, self.folder, ignore_errors=True)
        home = self.folder / "kontor"
        home.mkdir()
        self.mailer = Mailer(home, collect_plugins(self.folder / "plugins"), sink,
                             options={"connections": CONNECTIONS, "lease": "5min"},
                             settings={"log_level": "info", "workers": WORKERS},
                             plugins=("calendar", "mailer", "evaluation"))
        self.running.callback(self.mailer.stop)
        now = time.gmtime(time.time() if due else time.time() + 3 * 86400)
        wish = {"zone": "UTC", "day": now.tm_wday, "hour": now.tm_hour,
                "since": int(time.time()) - 7200}
        self.mailer.people({f"user{number}": wish for number in range(count)},
                           seconds=PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running.close()

    def status(self):
        result = self.mailer.control("mailer", "--json")
        return json.loads(result.stdout) if result.returncode == 0 else {"sleepers": 0}

    def echo(self, waits, ended):
        """Ask for echo, one request after the other, until it is over."""
        with self.mailer.client() as client:
            while not ended.is_set():
                began = time.monotonic()
                client.start("/api/evaluation/echo", method="POST", body=BODY,
                             CONTENT_TYPE="application/json")
                if client.read_response().status != 200:
                    raise RuntimeError("echo does not answer")
                waits.append(1e3 * (time.monotonic() - began))


def p99(waits):
    return sorted(waits)[len(waits) * 99 // 100]


def send_by_kontor(sink):
    """@return mails/s, bytes of a mail, processor µs of kontor for a mail, p99 of echo in ms"""
    waits, ended = [], threading.Event()
    with House(sink, MAILS, due=True) as house:
        sink.ask("XRESET")
        house.mailer.start()
        page = threading.Thread(target=house.echo, args=(waits, ended))
        page.start()
        try:
            wait_until(lambda: sink.counts()["mails"] >= MAILS, PATIENCE, "all mails are sent")
        finally:
            ended.set()
            page.join()
        counts = sink.counts()
        pids = procfs.family(house.mailer.process.pid)
        return {"rate": sink.rate(), "bytes": counts["bytes"] // counts["mails"],
                "cpu_us": 1e6 * procfs.processor_seconds(pids) / MAILS, "p99_ms": p99(waits)}


def send_by_load(sink, size):
    sink.ask("XRESET")
    subprocess.run([BUILD / "tests/bench/smtp_load", str(sink.port), str(WORKERS * CONNECTIONS),
                    str(MAILS), str(size)], check=True, timeout=PATIENCE)
    return {"rate": sink.rate()}


def idle_p99_ms(sink, seconds):
    """What echo takes when nobody gets a mail."""
    waits, ended = [], threading.Event()
    with House(sink, 1, due=False) as house:
        house.mailer.start()
        page = threading.Thread(target=house.echo, args=(waits, ended))
        page.start()
        time.sleep(seconds)
        ended.set()
        page.join()
    return p99(waits)


def send(figure, delay_ms, options, emit):
    """Ten thousand mails, by kontor and by the load in turns."""
    sink = Sink(delay_ms)
    try:
        size = send_by_kontor(sink)["bytes"]
        found = in_turns(("kontor", "load"), options.rounds,
                         lambda system: send_by_kontor(sink) if system == "kontor"
                         else send_by_load(sink, size))
        idle = [idle_p99_ms(sink, options.seconds) for _ in range(options.rounds)]
    finally:
        sink.stop()

    def values(system, what):
        return [one[what] for one in found[system]]
    emit(compare(figure, "mails/s", values("kontor", "rate"), "smtp-load", values("load", "rate")))
    emit(compare(figure + "_cpu_us", "µs", values("kontor", "cpu_us")))
    emit(compare(figure + "_echo_p99_ms", "ms", values("kontor", "p99_ms"), "idle", idle))


def settled(measure):
    """What is left when it has not become less for a while: caches are given back after seconds."""
    least, since = measure(), time.monotonic()
    while time.monotonic() < since + SETTLE_SECONDS:
        time.sleep(0.5)
        now = measure()
        if now < least * 0.995:
            least, since = now, time.monotonic()
    return least


def sleep(emit):
    """A million people: how long the start from the store takes, and what they weigh asleep."""
    sink = Sink(0)
    try:
        with House(sink, MILLION, due=False) as house:
            began = time.monotonic()
            house.mailer.start()
            wait_until(lambda: house.status()["sleepers"] >= MILLION, PATIENCE, "all sleep")
            seconds = time.monotonic() - began
            pids = procfs.family(house.mailer.process.pid)
            memory = settled(lambda: procfs.memory_bytes(pids))
    finally:
        sink.stop()
    emit(compare("mail_sleepers_memory_mb", "MB", [memory / 1e6]))
    emit(compare("mail_sleepers_start_s", "s", [seconds]))


def run(name, options, emit):
    if name == "sleepers":
        sleep(emit)
        return
    send("mail", 0, options, emit)
    send("mail_synced", SYNC_MS, options, emit)
