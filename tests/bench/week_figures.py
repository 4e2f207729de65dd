# SPDX-License-Identifier: BSD-2-Clause
"""Where did the week go, live from Google: what a thousand people wait who ask in the same moment,
and how many weeks a processor can make. The calendars come from a cheap upstream (week_upstream),
the load from fcgi_load, without a web server between, so that little of the machine goes to them;
beside Node.js, which fetches the same, and sums up less (peer_week.js).

Weeks "per core" are weeks by the processor time, user and system, that all processes of the system
used for them: the upstream and the load run on the same processors, but do not count."""

import contextlib
import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import urllib.parse

import procfs
from calendars import Visitor
from fastcgi import wait_until
from figures import compare, in_turns
from google import Google
from kontor import BUILD, Kontor, collect_plugins
from ports import free_port
from systems import HERE, NODE, START_TIMEOUT, Program, is_listening

# Name: (calendars, events of each, what the upstream takes for an answer in milliseconds).
WEEKS = {"week": (1, 40, 200), "week_heavy": (3, 250, 20)}
CROWD = 1000
# So many ask one week after the other where weeks are counted.
CONNECTIONS = 64
PERSON = "ada@example.org"
MONDAY = datetime.datetime(2026, 11, 16)
WEEK_QUARTERS = 7 * 24 * 4
PEOPLE = 150
GUESTS_MAX = 8
PATH = "/api/calendar/week"


def make_event(chance, calendar, number):
    """An event as Google writes it, with the fields that are asked for."""
    start = MONDAY + datetime.timedelta(minutes=15 * chance.randrange(WEEK_QUARTERS - GUESTS_MAX))
    end = start + datetime.timedelta(minutes=15 * chance.randrange(1, 8))
    guests = [{"email": f"firstname.surname{guest}@example.org",
               "displayName": f"Firstname Surname {guest}",
               "responseStatus": chance.choice(("accepted", "needsAction", "declined"))}
              for guest in chance.sample(range(PEOPLE), chance.randrange(GUESTS_MAX))]
    series = f"calendar{calendar}series{number % 60}"
    identity = f"calendar{calendar}event{number:04}abcdefghijkl"
    event = {"id": identity, "status": "confirmed",
             "summary": f"A meeting about something {number}",
             "organizer": {"email": guests[0]["email"] if guests else PERSON},
             "start": {"dateTime": f"{start.isoformat()}+01:00"},
             "end": {"dateTime": f"{end.isoformat()}+01:00"},
             "iCalUID": f"{identity}@google.com", "eventType": "default"}
    if guests:
        me = {"email": PERSON, "self": True, "responseStatus": "accepted"}
        event["attendees"] = [me, *guests]
    if number % 6 == 0:
        event |= {"recurringEventId": series, "iCalUID": f"{series}@google.com",
                  "originalStartTime": event["start"]}
    return event


def make_page(calendar, count):
    """A page of events.list, the same in every run."""
    chance = random.Random(calendar)
    items = [make_event(chance, calendar, number) for number in range(count)]
    items.sort(key=lambda event: event["start"]["dateTime"])
    return json.dumps({"items": items}, separators=(",", ":"))


class House:
    """kontor with somebody who has connected calendars, the upstream, and the peer; a process of
    each system for each processor."""

    def __init__(self, calendars, events, delay_ms):
        self.events = calendars * events
        self.processes = len(os.sched_getaffinity(0))
        self.running = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-"))
        self.running.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.names = [PERSON, *(f"calendar{number}" for number in range(1, calendars))]
        self.upstream_port, self.peer_port = free_port(), free_port()
        try:
            self.open(events, delay_ms)
        except BaseException:
            self.running.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.running.close()

    def open(self, events, delay_ms):
        self.connect()
        paths = [f"/calendars/{urllib.parse.quote(name, safe='')}/events" for name in self.names]
        pages = [self.folder / f"{number}.json" for number in range(len(paths))]
        for number, page in enumerate(pages):
            page.write_text(make_page(number, events), encoding="utf-8")
        self.start(self.upstream_port, BUILD / "tests/bench/week_upstream", self.upstream_port,
                   delay_ms, *(f"{path}={page}" for path, page in zip(paths, pages)))
        self.node = self.start(self.peer_port, NODE, HERE / "peer_week.js", self.peer_port,
                               self.processes, self.upstream_port, *paths)
        self.kontor = self.make(google_api=f"http://127.0.0.1:{self.upstream_port}/calendar/v3")
        self.running.callback(self.kontor.stop)
        self.kontor.start()
        week = Visitor(self.kontor).week(MONDAY.date())
        if week["events_total"] != self.events:
            raise RuntimeError(f"the week has {week['events_total']} events")

    def start(self, port, *command):
        program = Program(*command)
        self.running.callback(program.stop)
        wait_until(lambda: is_listening(("127.0.0.1", port)), START_TIMEOUT, "it listens")
        return program

    def make(self, **options):
        home = self.folder / "kontor"
        home.mkdir(exist_ok=True)
        return Kontor(home, collect_plugins(self.folder / "plugins"), plugins=("calendar",),
                      settings={"workers": self.processes, "log_level": "warning",
                                "store": f"sqlite:{self.folder}/store.db"},
                      sections={"calendar": {
                          "key_file": self.folder / "secret.key",
                          "public_url": "https://kontor.example.org/tools/",
                          "timezone": "Europe/Berlin", "google_list_age": "1d",
                          # A thousand people would have their turns at once; here they are all one.
                          "looks_at_once": 100000, "fetches_at_once": 100000, **options}})

    def connect(self):
        """Consent at the faithful stub; what is stored then is good for the upstream, too."""
        key = self.folder / "secret.key"
        key.write_bytes(os.urandom(32))
        key.chmod(0o600)
        with Google() as google:
            for name in self.names[1:]:
                google.person(PERSON).add_calendar(name, name)
            kontor = self.make(**google.options())
            try:
                kontor.start()
                Visitor(kontor).connect_google(PERSON)
            finally:
                kontor.stop()

    def pids(self, system):
        if system == "node":
            return self.node.pids()
        return procfs.family(self.kontor.process.pid)

    # ------------------------------------------------------------ load

    def load(self, *words):
        """@return what fcgi_load says"""
        command = [BUILD / "tests/bench/fcgi_load", "--json", *words, "--path", PATH, "--param",
                   f"QUERY_STRING=date={MONDAY.date()}", "--param", "REMOTE_USER=ada",
                   self.kontor.socket]
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, check=True)
        return json.loads(done.stdout)

    def load_node(self, seconds):
        command = ["wrk", "-t", 1, "-c", CONNECTIONS, "-d", f"{seconds}s", "--timeout", "10s", "-s",
                   HERE / "load.lua", f"http://127.0.0.1:{self.peer_port}/", "--"]
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, check=True)
        result = json.loads(done.stdout.splitlines()[-1])
        if result["refused"] or result["failed"]:
            raise RuntimeError("Node.js does not answer")
        return result["requests"]

    def weeks_per_core(self, system, seconds):
        pids = self.pids(system)
        before = procfs.processor_seconds(pids)
        weeks = (self.load_node(seconds) if system == "node"
                 else self.load("-c", CONNECTIONS, "-s", seconds)["succeeded"])
        return weeks / (procfs.processor_seconds(pids) - before)


def run(name, options, emit):
    with House(*WEEKS[name]) as house:
        for system in ("kontor", "node"):
            house.weeks_per_core(system, options.warmup_seconds)
        if name == "week":
            house.load("-c", CROWD, "-n", CROWD)
            crowds = [house.load("-c", CROWD, "-n", CROWD) for _ in range(options.rounds)]
            for part in ("p50", "p99"):
                emit(compare(f"week_crowd_1000_{part}_ms", "ms",
                             [crowd[f"{part}_us"] / 1e3 for crowd in crowds]))
        found = in_turns(("kontor", "node"), options.rounds,
                         lambda system: house.weeks_per_core(system, options.seconds))
        emit(compare(f"{name}_per_core", "weeks/s", found["kontor"], "node", found["node"]))
