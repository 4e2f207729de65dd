# SPDX-License-Identifier: BSD-2-Clause
"""The weekly mailer: ten thousand mails that wake in the same second, beside a plain SMTP load with
as many connections and mails as large; and a million mailers asleep. The mail server is Postfix; or
one that forgets what it takes, at once or after the wait of a disk's sync."""

import contextlib
import json
import pathlib
import shutil
import sys
import tempfile
import threading
import time

import procfs
from fastcgi import wait_until
from figures import compare, in_turns
from kontor import BUILD, collect_plugins
from mail_server import MailServer
from mailers import Mailer
from smtp_servers import Postfix, Sink
from systems import Program

# What Postfix has to try servers with: it sends mails over connections that it keeps.
SMTP_SOURCE = "/usr/sbin/smtp-source"

MAILS = 10000
MILLION = 1000000
WORKERS = 2
# Of each worker, and of the load as many as of all workers together.
CONNECTIONS = 16
# What the slower sink takes for a mail: the wait of one disk sync, in milliseconds.
SYNC_MS = 10
# A store without work gives its caches back after five seconds.
SETTLE_SECONDS = 7
# Seconds that ten thousand mails, and the start of a million mailers, may take.
PATIENCE = 180
ECHO_PAUSE_SECONDS = 0.01
BODY = b'{"id":4711,"name":"Ada Lovelace","active":true}'


class House:
    """kontor with people who want a mail: `due` now, or in three days."""

    def __init__(self, server, count, due):
        self.running = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-", dir="/var/tmp"))
        self.running.callback(shutil.rmtree, self.folder, ignore_errors=True)
        home = self.folder / "kontor"
        home.mkdir()
        self.mailer = Mailer(home, collect_plugins(self.folder / "plugins"), server,
                             options={"connections": CONNECTIONS, "lease": "5min"},
                             settings={"log_level": "info", "workers": WORKERS},
                             plugins=("calendar", "mailer", "evaluation"))
        self.running.callback(self.mailer.stop)
        now = time.gmtime(time.time() if due else time.time() + 3 * 86400)
        wish = {"zone": "UTC", "day": now.tm_wday, "hour": now.tm_hour,
                "since": int(time.time()) - 7200}
        people = {f"user{number}": wish for number in range(count)}
        self.mailer.people(people, seconds=PATIENCE)
        self.addresses = [f"{user}@example.org" for user in people]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running.close()

    def status(self):
        result = self.mailer.control("mailer", "--json")
        return json.loads(result.stdout) if result.returncode == 0 else {"sleepers": 0}

    def echo(self, waits, ended):
        """Ask for echo a hundred times a second until it is over, as the users of a page may: more
        would take the processor from the mails, and from the server that they go to."""
        with self.mailer.client() as client:
            while not ended.wait(ECHO_PAUSE_SECONDS):
                began = time.monotonic()
                client.start("/api/evaluation/echo", method="POST", body=BODY,
                             CONTENT_TYPE="application/json")
                if client.read_response().status != 200:
                    raise RuntimeError("echo does not answer")
                waits.append(1e3 * (time.monotonic() - began))


def p99(waits):
    return sorted(waits)[len(waits) * 99 // 100]


def send_by_kontor(server):
    """@return mails/s, processor µs of kontor for a mail, p99 of echo in ms"""
    waits, ended = [], threading.Event()
    with House(server, MAILS, due=True) as house:
        server.forget()
        house.mailer.start()
        page = threading.Thread(target=house.echo, args=(waits, ended))
        page.start()
        try:
            wait_until(lambda: server.mails() >= MAILS, PATIENCE, "all mails are sent")
        finally:
            ended.set()
            page.join()
        pids = procfs.family(house.mailer.process.pid)
        cpu_us = 1e6 * procfs.processor_seconds(pids) / MAILS
        wait_until(lambda: house.status().get("sent", 0) >= MAILS, PATIENCE,
                   "kontor has written down that all are sent")
        server.check(MAILS, house.addresses)
        return {"rate": server.rate(), "cpu_us": cpu_us, "p99_ms": p99(waits)}


def write_letter(path):
    """A mail as people get it."""
    server = MailServer()
    try:
        with House(server, 1, due=True) as house:
            house.mailer.start()
            wait_until(lambda: server.mails, PATIENCE, "a mail is sent")
    finally:
        server.stop()
    path.write_bytes(server.mails[0].raw.replace(b"\r\n", b"\n"))


def load_command(server, letter):
    """As many mails over as many connections: to Postfix the same letter, to many addresses, since
    it looks at the header, and remembers an address; else as many bytes."""
    connections = WORKERS * CONNECTIONS
    if isinstance(server, Postfix):
        return [SMTP_SOURCE, "-d", "-s", connections, "-m", MAILS, "-F", letter, "-N",
                "-t", "user@example.org", f"127.0.0.1:{server.port}"]
    size = letter.stat().st_size + letter.read_bytes().count(b"\n")
    return [BUILD / "tests/bench/smtp_load", server.port, connections, MAILS, size]


def send_by_load(server, letter):
    server.forget()
    load = Program(*load_command(server, letter))
    try:
        wait_until(lambda: server.mails() >= MAILS, PATIENCE, "the load has sent all mails")
        if load.process.wait(PATIENCE) != 0:
            raise RuntimeError("the load has failed")
    finally:
        load.stop()
    server.check(MAILS)
    return {"rate": server.rate()}


def idle_p99_ms(server, seconds):
    """What echo takes when nobody gets a mail."""
    waits, ended = [], threading.Event()
    with House(server, 1, due=False) as house:
        house.mailer.start()
        page = threading.Thread(target=house.echo, args=(waits, ended))
        page.start()
        time.sleep(seconds)
        ended.set()
        page.join()
    return p99(waits)


def send(figure, server, load, options, emit):
    """Ten thousand mails, by kontor and by the load in turns."""
    letter = pathlib.Path(tempfile.mkstemp(prefix="kontor-letter-", suffix=".eml")[1])
    try:
        write_letter(letter)
        send_by_load(server, letter)
        found = in_turns(("kontor", load), options.rounds,
                         lambda system: send_by_kontor(server) if system == "kontor"
                         else send_by_load(server, letter))
        idle = [idle_p99_ms(server, options.seconds) for _ in range(options.rounds)]
    finally:
        server.stop()
        letter.unlink()

    def values(system, what):
        return [one[what] for one in found[system]]
    emit(compare(figure, "mails/s", values("kontor", "rate"), load, values(load, "rate")))
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
    sink = Sink()
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
    elif name == "mail_synced":
        send(name, Sink(SYNC_MS), "smtp-load", options, emit)
    elif name == "mail":
        send(name, Sink(), "smtp-load", options, emit)
    elif Postfix.is_there():
        send(name, Postfix(), "smtp-source", options, emit)
    else:
        print(f"{name}: left out, Postfix is not there, or nobody's to start but root's",
              file=sys.stderr)
