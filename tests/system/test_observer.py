# SPDX-License-Identifier: BSD-2-Clause
"""The observer: what all workers do, for its page, for Prometheus, and for people's scripts."""

import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import fastcgi
from fastcgi import Closed, wait_until
from observers import BOB, ask, connections, find, mailers, workers
from observers import kontor, mailer, make_mailer  # pylint: disable=unused-import


def test_all_workers_are_seen(kontor):
    """An operator would see one worker, whichever happened to answer."""
    seen = wait_until(lambda: len(workers(kontor)) == 2 and workers(kontor), 20, "both observers")
    assert sorted(worker["pid"] for worker in seen) == sorted(kontor.workers())
    assert all(worker["memory_bytes"] > 1e6 and worker["state"] == "serving" for worker in seen)
    before = sum(worker["service"]["requests_total"] for worker in workers(kontor))
    for _ in range(20):
        assert ask(kontor, "/ping").status == 200
    assert sum(worker["service"]["requests_total"] for worker in workers(kontor)) >= before + 20


def test_numbers_of_plugins(kontor):
    """A plugin could not tell that its letters are not sent."""
    for _ in range(7):
        assert ask(kontor, "/api/skeleton/hello").status == 200

    def greetings():
        text = ask(kontor, "/metrics").body.decode()
        assert text.count("# TYPE kontor_skeleton_greetings_total counter\n") == 1
        assert "# HELP kontor_skeleton_greetings_total People who were greeted.\n" in text
        return [int(number) for number in re.findall(
            r'^kontor_skeleton_greetings_total\{worker="\d",pid="\d+"\} (\d+)$', text, re.MULTILINE)]
    wait_until(lambda: len(greetings()) == 2 and sum(greetings()) == 7, 20, "both count")
    # Their plugin starts again: they go on from where they were.
    answer = ask(kontor, "/api/observer/processes", QUERY_STRING="search=plugin%20skeleton")
    victim = next(dict(one, observer=worker["observer"])
                  for worker in json.loads(answer.body)["workers"] for one in worker["processes"]
                  if one["label"] == "plugin skeleton")
    body = {"observer": victim["observer"], "pid": victim["pid"]}
    assert ask(kontor, "/api/observer/kill", "POST", body, REMOTE_USER="bob").status == 200
    wait_until(lambda: len(find(kontor, "visit%20counter")) == 2, 20, "it has started again")
    assert sum(greetings()) == 7


def test_status(kontor):
    """Scripts written for PHP-FPM's status would find nothing."""
    text = ask(kontor, "/status").body.decode()
    assert re.search(r"^pool:                 kontor$", text, re.MULTILINE)
    assert re.search(r"^start time: +\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000$", text,
                     re.MULTILINE)
    for name in ("process manager", "start since", "accepted conn", "idle processes",
                 "active processes", "total processes", "max children reached", "slow requests"):
        assert re.search(rf"^{name}: +\w+$", text, re.MULTILINE), name
    short = json.loads(ask(kontor, "/status", QUERY_STRING="json").body)
    assert short["accepted conn"] >= 1 and short["start time"] > 1.7e9
    wait_until(lambda: len(workers(kontor)) == 2, 20, "both observers")
    full = json.loads(ask(kontor, "/status", QUERY_STRING="json&full").body)
    assert full["total processes"] == full["active processes"] + full["idle processes"] == 2
    assert sorted(one["pid"] for one in full["processes"]) == sorted(kontor.workers())
    assert "Running" in [one["state"] for one in full["processes"]]
    assert ask(kontor, "/status", QUERY_STRING="full").body.count(b"\npid: ") == 2
    assert ask(kontor, "/ping").body == b"pong\n"
    # Scripts would take text for the page or the XML that they asked for.
    for other in ("html", "xml", "full&html", "openmetrics"):
        answer = ask(kontor, "/status", QUERY_STRING=other)
        assert answer.status == 406 and b"JSON" in answer.body


def test_only_for_operators(make_kontor):
    """Anybody on the Internet could read what runs here, and end it."""
    kontor = make_kontor(plugins=("observer",))
    paths = ("/api/observer/", "/api/observer/processes", "/api/observer/history", "/status",
             "/metrics", "/api/observer/registry", "/api/observer/jobs", "/api/observer/events",
             "/api/observer/slow", "/api/observer/connections", "/api/observer/mailers")
    for path in paths:
        assert ask(kontor, path, REMOTE_ADDR="203.0.113.9").status == 403, path
    assert ask(kontor, "/status", REMOTE_ADDR="::1").status == 200
    body = {"observer": "observer/1", "pid": "1"}
    answer = ask(kontor, "/api/observer/kill", "POST", body)
    assert answer.status == 403 and b"killers" in answer.body
    named = make_kontor(plugins=("observer",), sections={"observer": {"users": "ada bob",
                                                                      "killers": "bob eve"}})
    assert ask(named, "/status").status == 403
    assert ask(named, "/status", REMOTE_USER="ad").status == 403
    assert ask(named, "/status", REMOTE_USER="ada", REMOTE_ADDR="203.0.113.9").status == 200
    for user, status in (("ada", 403), ("eve", 403), ("bob", 404)):
        assert ask(named, "/api/observer/kill", "POST", body, REMOTE_USER=user).status == status
    assert ask(named, "/api/observer/kill", "POST", body, REMOTE_USER="bob",
               HTTP_SEC_FETCH_SITE="cross-site").status == 403


@pytest.mark.parametrize("header", ["FORWARDED", "X_FORWARDED_FOR", "X_REAL_IP", "VIA"])
def test_a_second_proxy_is_not_this_machine(make_kontor, header):
    """Behind another proxy on the same machine everybody would be taken for an operator."""
    kontor = make_kontor(plugins=("observer",))
    answer = ask(kontor, "/metrics", **{f"HTTP_{header}": "203.0.113.9"})
    assert answer.status == 403 and b"proxy" in answer.body and b"users" in answer.body
    named = make_kontor(plugins=("observer",), sections={"observer": {"users": "ada"}})
    assert ask(named, "/metrics", REMOTE_USER="ada",
               **{f"HTTP_{header}": "203.0.113.9"}).status == 200


@pytest.mark.parametrize("header", ["X_FORWARDED_FOR", "X_REAL_IP"])
def test_a_web_server_may_say_that_it_is_this_machine(make_kontor, header):
    """Behind Caddy, which adds the address of who asks, nobody could look by default."""
    kontor = make_kontor(plugins=("observer",))
    for addresses, status in (("127.0.0.1", 200), ("::1", 200), ("127.0.0.1, ::1", 200),
                              ("127.0.0.1, 203.0.113.9", 403), ("203.0.113.9,127.0.0.1", 403),
                              ("127.0.0.1 203.0.113.9", 403), ("127.0.0.1,", 403), ("", 403),
                              ("unknown", 403), ("1" * 99, 403)):
        assert ask(kontor, "/ping").status == 200
        answer = ask(kontor, "/metrics", **{f"HTTP_{header}": addresses})
        assert answer.status == status, addresses


def test_a_name_that_leads_here_is_not_this_machine(make_kontor):
    """A stranger's page whose name leads to 127.0.0.1 could read all, and end processes."""
    kontor = make_kontor(plugins=("observer",))
    for host, status in (("127.0.0.1", 200), ("127.0.0.1:8080", 200), ("[::1]:80", 200),
                         ("localhost", 200), ("LOCALHOST:80", 200), ("kontor.localhost", 200),
                         ("evil.example", 403), ("127.0.0.1.evil.example", 403),
                         ("localhost.evil.example:80", 403), ("evillocalhost", 403)):
        answer = ask(kontor, "/metrics", HTTP_HOST=host)
        assert answer.status == status, host
    named = make_kontor(plugins=("observer",), sections={"observer": {"users": "ada"}})
    assert ask(named, "/metrics", REMOTE_USER="ada", HTTP_HOST="kontor.example").status == 200


def test_a_silent_worker_is_told(kontor):
    """A worker that hangs would be missing from the sums, and nobody would know."""
    wait_until(lambda: len(workers(kontor)) == 2, 20, "both observers")
    victim = kontor.workers()[0]
    os.kill(victim, signal.SIGSTOP)
    try:
        silent = wait_until(lambda: [worker for worker in workers(kontor)
                                     if worker.get("is_silent")], 20, "it is told as silent")
        assert [worker["pid"] for worker in silent] == [victim]
        text = ask(kontor, "/metrics").body.decode()
        assert re.search(rf'^kontor_worker_up{{worker="1",pid="{victim}"}} 0$', text, re.MULTILINE)
        assert len(re.findall(r"^kontor_worker_up.* 1$", text, re.MULTILINE)) == 1
        requests = text.split("# TYPE kontor_requests_total", 1)[1].split("#")[0]
        assert "kontor_requests_total{" in requests and f'pid="{victim}"' not in requests
        full = json.loads(ask(kontor, "/status", QUERY_STRING="json&full").body)
        assert full["silent processes"] == 1 and full["total processes"] == 2
    finally:
        os.kill(victim, signal.SIGCONT)


def test_slow_requests_tell_where_they_waited(make_kontor):
    """An operator would know that something is slow, and not what."""
    kontor = make_kontor(plugins=("observer", "evaluation"), settings={"slow_request": "400ms"},
                         sections={"evaluation": {"rpc_time": "500ms"}})
    assert ask(kontor, "/api/evaluation/rpc", QUERY_STRING="secret=1").status == 200
    assert ask(kontor, "/ping").status == 200
    [worker] = json.loads(ask(kontor, "/api/observer/slow").body)["workers"]
    [slow] = worker["requests"]
    assert slow["route"] == "GET /api/evaluation/rpc" and slow["plugin"] == "evaluation"
    assert slow["status"] == 200 and slow["took_ms"] >= 400
    assert sum(slow["waited_ms"].values()) + slow["ran_ms"] == pytest.approx(slow["took_ms"])
    assert max(slow["waited_ms"], key=slow["waited_ms"].get) == "time"
    assert "secret" not in json.dumps(worker)
    assert workers(kontor)[0]["service"]["slow_total"] == 1


def test_connections_show_who_is_stuck(make_kontor):
    """A web server that waits for an answer, or takes none, could not be told from an idle one."""
    kontor = make_kontor(plugins=("observer", "evaluation"), settings={"workers": "1"})
    echo = {"CONTENT_TYPE": "application/json"}
    with kontor.client() as stuck, kontor.client() as shared, kontor.client() as idle:
        assert idle.get("/ping").status == idle.get("/ping").status == 200
        for number in (1, 2):  # whose bodies do not come
            shared.begin(number)
            shared.send(fastcgi.record(fastcgi.PARAMS, number, fastcgi.pairs(fastcgi.parameters(
                "/api/evaluation/echo", "POST", "secret=1", 100, "application/json"))))
            shared.send(fastcgi.record(fastcgi.PARAMS, number))
        stuck.start("/api/evaluation/echo", body=json.dumps("x" * 3000000).encode(), **echo)

        def seen():
            [worker] = connections(kontor)
            one, other, rest = [[found for found in worker["connections"] if wanted(found)]
                                for wanted in (lambda found: found["output_bytes"] > 0,
                                               lambda found: found["is_shared"],
                                               lambda found: found["state"] == "idle")]
            return (one and other and rest and worker["count"] == 4 and
                    (worker, one[0], other[0], rest[0]))
        worker, one, other, rest = wait_until(seen, 20, "all three")
        assert worker["worker"] == 1 and worker["at_work"] == 3
        assert worker["output_bytes"] == one["output_bytes"] >= 100000
        assert one["output_waits_ms"] >= 0 and one["requests"] == 1
        assert one["oldest"]["route"] == "POST /api/evaluation/echo"
        assert other["requests"] == other["requests_total"] == 2
        assert other["oldest"]["plugin"] == "evaluation" and not other["oldest"]["is_endless"]
        assert other["oldest"]["for_ms"] == other["busy_ms"]
        assert [found["pid"] for found in find(kontor, other["oldest"]["pid"])] == [
            other["oldest"]["pid"]]
        assert rest["requests"] == 0 and rest["requests_total"] == 2 and "oldest" not in rest
        for found in (one, other, rest):
            assert (found["peer_pid"], found["peer_uid"]) == (os.getpid(), os.getuid())
            assert found["peer_program"] == Path("/proc/self/comm").read_text().strip()
            assert abs(found["opened_ms"] - time.time() * 1000) < 60000
        assert "secret" not in json.dumps(worker)
        # Who is busy for longest comes first, who is idle last.
        order = [found["busy_ms"] for found in worker["connections"]]
        assert order == sorted(order, reverse=True) and worker["connections"][-1] == rest
        # It grows while nothing goes on.
        before = other["busy_ms"]
        wait_until(lambda: (again := seen()) and again[2]["busy_ms"] > before, 20, "time passes")


def test_connections_are_bounded(make_kontor):
    """With thousands of connections the answer would be megabytes, and the stuck one lost in it."""
    kontor = make_kontor(plugins=("observer", "evaluation"), settings={"workers": "1"})
    clients = [kontor.client() for _ in range(150)]
    try:
        for client in clients:
            assert client.get("/ping").status == 200
        clients[70].begin()
        clients[70].send(fastcgi.record(fastcgi.PARAMS, 1, fastcgi.pairs({"REQUEST_METHOD": "GET"})))

        def seen():
            [worker] = connections(kontor)
            return worker["count"] == 151 and worker["at_work"] == 2 and worker
        worker = wait_until(seen, 20, "the one that is coming in")
        assert len(worker["connections"]) == 100
        first = worker["connections"][0]
        assert first["requests_total"] == 2 and first["oldest"]["route"] == first["oldest"]["pid"] == ""
        assert {found["state"] for found in worker["connections"][2:]} == {"idle"}
    finally:
        for client in clients:
            client.close()


def test_mailers_add_up(mailer):
    """An operator could not see that mails go out but on the machine itself."""
    kontor, noon = mailer

    def sums():
        found = [worker["mailer"] for worker in mailers(kontor)]
        return len(found) == 2 and {name: sum(one[name] for one in found) for name in found[0]}
    expected = {"sleepers": 13, "sent": 3, "waiting": 0, "sending": 0, "failed": 0, "skipped": 0}
    wait_until(lambda: (found := sums()) and {name: found[name] for name in expected} == expected,
               60, "all sleep, three mails are sent")
    assert sums()["connections"] >= 1
    wait_until(lambda: {worker["mailer"]["next_wake_ms"] for worker in mailers(kontor)
                        if worker["mailer"]["sleepers"] > 3} == {noon * 1000}, 20, "the next wake")
    assert sorted(worker["worker"] for worker in mailers(kontor)) == [1, 2]
    shown = json.loads(kontor.control("mailer", "--json").stdout)
    assert (shown["sleepers"], shown["sent"]) == (13, 3)


def test_no_mailers_without_the_plugin(kontor):
    """Who sends no mails would read of mails that are never sent."""
    wait_until(lambda: len(workers(kontor)) == 2, 20, "both observers")
    assert len(mailers(kontor)) == 2
    assert all("mailer" not in worker for worker in mailers(kontor))
    assert "does not say" not in kontor.log()


def test_kill_and_come_back(kontor):
    """Supervision could not be seen at work, nor a process that hangs be ended."""
    before = wait_until(lambda: len(find(kontor, "visit%20counter")) == 2 and
                        find(kontor, "visit%20counter"), 20, "a counter in each worker")
    assert all(process["restarts"] == 0 for process in before)
    victim = before[0]
    body = {"observer": victim["observer"], "pid": victim["pid"]}
    assert ask(kontor, "/api/observer/kill", "POST", body).status == 403
    answer = ask(kontor, "/api/observer/kill", "POST", body, **BOB)
    assert answer.status == 200 and json.loads(answer.body)["label"] == "visit counter"
    after = wait_until(lambda: len(find(kontor, "visit%20counter")) == 2 and
                       find(kontor, "visit%20counter"), 20, "it has come back")
    assert victim["pid"] not in [process["pid"] for process in after]
    assert sorted(process["restarts"] for process in after) == [0, 1]
    assert ask(kontor, "/api/observer/kill", "POST", body, **BOB).status == 404
    kontor.wait_log("killed by bob: visit counter")
    kontor.wait_log("was to be killed by bob, but is not there")
    # What can't be a key of the registry is the asker's mistake: to try again is of no use.
    body["observer"] += "x" * 256
    assert ask(kontor, "/api/observer/kill", "POST", body, **BOB).status == 422
    assert ask(kontor, "/api/observer/registry", QUERY_STRING="prefix=" + "x" * 256).status == 422


def test_who_killed_what_is_never_the_askers_words(kontor):
    """Who may end processes could have the log say that somebody else did."""
    before = wait_until(lambda: len(find(kontor, "visit%20counter")) == 2 and
                        find(kontor, "visit%20counter"), 20, "a counter in each worker")
    observer, pid = before[0]["observer"], before[0]["pid"]
    forged = f" of {observer} killed by alice: row; process 1"
    wrong = [(observer, pid + forged), (observer, f"0x{pid}"), (observer, f" {pid}"),
             (observer, f"-{pid}"), (observer, ""), (observer, "0" * 16 + pid),
             (observer + forged, pid), ("observer/", pid), (observer, int(pid, 16)), (7, pid)]
    for key, text in wrong:
        body = {"observer": key, "pid": text}
        assert ask(kontor, "/api/observer/kill", "POST", body, **BOB).status == 422, body
    assert find(kontor, "visit%20counter")[0]["pid"] in [one["pid"] for one in before]
    body = {"observer": observer, "pid": pid.upper()}
    assert ask(kontor, "/api/observer/kill", "POST", body, **BOB).status == 200
    kontor.wait_log(f"process {pid} of {observer} killed by bob: visit counter")
    assert "alice" not in kontor.log()


def test_an_observer_does_not_end_itself(kontor):
    """The page would say that there is no such process any more, while it stands there."""
    [one, other] = wait_until(lambda: len(found := find(kontor, "observer%20of%20this%20worker"))
                              == 2 and found, 20, "both observers")
    for process in (one, other):
        body = {"observer": process["observer"], "pid": process["pid"]}
        answer = ask(kontor, "/api/observer/kill", "POST", body, **BOB)
        assert answer.status == 409 and b"observer itself" in answer.body
    kontor.wait_log("was to be killed by bob, but is the observer itself")
    assert len(find(kontor, "observer%20of%20this%20worker")) == 2


def test_a_kill_without_an_answer_is_not_told_as_done(kontor):
    """The log would say that a process was killed, or wasn't there, and nobody knows."""
    before = wait_until(lambda: len(find(kontor, "visit%20counter")) == 2 and
                        find(kontor, "visit%20counter"), 20, "a counter in each worker")
    body = {"observer": before[0]["observer"], "pid": before[0]["pid"]}
    victim = next(worker["pid"] for worker in workers(kontor)
                  if worker["observer"] == before[0]["observer"])
    os.kill(victim, signal.SIGSTOP)
    try:
        answer = ask(kontor, "/api/observer/kill", "POST", body, **BOB)
        assert answer.status == 503 and b"still there" in answer.body
    finally:
        os.kill(victim, signal.SIGCONT)
    kontor.wait_log("was to be killed by bob: its worker did not answer")
    assert "killed by bob: visit counter" not in kontor.log()


def test_a_worker_without_its_first_process_comes_back(kontor):
    """It would refuse everything from then on, this page included, and nobody would notice."""
    first = wait_until(lambda: [process for process in find(kontor, "worker")
                                if process["label"] == "worker"], 20, "the first processes")[0]
    before = set(kontor.workers())
    body = {"observer": first["observer"], "pid": first["pid"]}
    assert ask(kontor, "/api/observer/kill", "POST", body, **BOB).status == 200
    wait_until(lambda: len(set(kontor.workers()) - before) == 1, 20, "another one in its place")
    kontor.wait_log("its process 'worker' has ended")
    wait_until(lambda: len(workers(kontor)) == 2, 20, "both observers")


def test_a_plugin_that_is_ended_starts_at_once(make_kontor):
    """Its names and routes would still be those of the one before: it failed, and was blamed."""
    kontor = make_kontor(plugins=("observer", "calendar"),
                         sections={"observer": {"killers": "bob"}})
    for _ in range(2):
        victim = wait_until(lambda: [process for process in find(kontor, "plugin%20calendar")
                                     if process["label"] == "plugin calendar"], 20, "it runs")[0]
        body = {"observer": victim["observer"], "pid": victim["pid"]}
        assert ask(kontor, "/api/observer/kill", "POST", body, **BOB).status == 200
        wait_until(lambda: [process for process in find(kontor, "plugin%20calendar")
                            if process["pid"] != victim["pid"]], 20, "it runs again")
        assert ask(kontor, "/api/calendar/week", QUERY_STRING="sample=1").status == 200
    assert "did not start" not in kontor.log()


def below(kontor, parent):
    answer = ask(kontor, "/api/observer/processes", QUERY_STRING=f"parents={parent}&sort=label")
    return [process for worker in json.loads(answer.body)["workers"]
            for process in worker["processes"]]


def test_the_tree_leads_to_every_process(make_kontor):
    """Whom a process belongs to could not be seen, nor how long it lives, nor what it waits for."""
    kontor = make_kontor(plugins=("observer", "skeleton"))
    found, branches = [], ["0"]
    while branches:
        children = below(kontor, branches.pop())
        branches += [child["pid"] for child in children if child["children"] > 0]
        found += children
    [counter] = [process for process in found if process["label"] == "visit counter"]
    [plugin] = [process for process in found if process["pid"] == counter["parent"]]
    assert plugin["kind"] == "supervisor" and plugin["plugin"] == counter["plugin"] == "skeleton"
    assert counter["waits_for"] == "message" and counter["state"] == "waiting"
    assert counter["turns"] >= 1 and counter["age_ms"] >= 0
    assert {"dispatcher of jobs", "observer of this worker"} <= {one["label"] for one in found}
    everybody = json.loads(ask(kontor, "/api/observer/processes").body)["workers"][0]["count"]
    assert abs(len({one["pid"] for one in found}) - everybody) <= 2  # those that ask


def test_a_large_branch_shows_who_sorts_first(make_kontor, folder):
    """Of ten thousand children those that were asked for would be hidden among "and more"."""
    kontor = make_kontor(plugins=("observer", "microservers"),
                         settings={"workers": "1", "store": f"sqlite:{folder}/store.db"},
                         sections={"microservers": {"rows": "300", "at_once": "300", "value": "1000",
                                                    "interval": "2s"}})
    wait_until(lambda: ask(kontor, "/api/microservers/start", "POST",
                           {"tick": "spread"}).status == 200, 20, "somebody watches the table")
    [parent] = wait_until(lambda: [one for one in find(kontor, "servers%20of%20rows")
                                   if one["label"] == "servers of rows" and one["children"] == 300],
                          30, "all rows")

    def shown(sort, search=""):
        answer = ask(kontor, "/api/observer/processes",
                     QUERY_STRING=f"parents={parent['pid']}&sort={sort}&search={search}")
        return json.loads(answer.body)["workers"][0]

    def all_rows(sort):
        answer = ask(kontor, "/api/observer/processes",
                     QUERY_STRING=f"search=row&limit=500&sort={sort}")
        return [one for one in json.loads(answer.body)["workers"][0]["processes"]
                if one["parent"] == parent["pid"]]
    rows = all_rows("label")
    assert len(rows) == 300
    pids = sorted(int(one["pid"], 16) for one in rows)
    # Alike in what is sorted by: in the order of their pids.
    first = shown("restarts")
    assert [int(one["pid"], 16) for one in first["processes"]] == pids[:50]
    assert first["branches"] == [{"pid": parent["pid"], "count": 300}]
    # Those that differ, whether they sort to the front or not.
    for sort, field in (("turns", "turns"), ("memory", "memory_bytes"), ("messages", "messages")):
        mine = shown(sort)["processes"]
        assert len(mine) == 50
        values = [one[field] for one in mine]
        assert values == sorted(values, reverse=True)
    # A search looks at all of them, and not at the first fifty.
    last = f"{pids[-1]:x}"
    assert [one["pid"] for one in shown("label", last)["processes"]] == [last]


def test_plugins_know_their_processes(kontor):
    """The numbers per plugin would drift away from what is there."""
    def agrees():
        for worker in workers(kontor):
            answer = ask(kontor, "/api/observer/processes", QUERY_STRING="search=skeleton")
            listed = [one for one in json.loads(answer.body)["workers"]
                      if one["observer"] == worker["observer"]]
            [plugin] = [one for one in worker["plugins"] if one["name"] == "skeleton"]
            if not listed or plugin["processes"] != sum(
                    process["plugin"] == "skeleton" for process in listed[0]["processes"]):
                return False
        return True
    for _ in range(10):
        ask(kontor, "/api/skeleton/hello")
    wait_until(agrees, 20, "counted and listed processes are the same")


def test_crashes_and_quarantine(make_kontor):
    """An operator would not see which plugin takes the workers down."""
    kontor = make_kontor(plugins=("observer", "crash"), sections={"crash": {"when": "asked"}},
                         settings={"quarantine_crashes": "2", "quarantine_time": "30min"})
    kontor.expects_reports = True

    def crash():
        with kontor.client() as client:
            client.start("/api/crash/segfault", keep=False)
            try:
                client.read_response()
            except (OSError, Closed):
                pass

    def plugin():
        try:
            [found] = [one for one in workers(kontor)[0]["plugins"] if one["name"] == "crash"]
            return found
        except (OSError, Closed, IndexError, ValueError):
            return {"crashes_total": -1, "state": ""}
    assert plugin()["crashes_total"] == 0
    crash()
    seen = wait_until(lambda: plugin()["crashes_total"] == 1 and plugin(), 20, "the first crash")
    assert "segmentation fault" in seen["last_crash"] and seen["state"] == "running"
    crash()
    wait_until(lambda: plugin()["state"] == "quarantined", 20, "its quarantine")
    assert plugin()["quarantine_left_ms"] > 1e6
    text = ask(kontor, "/metrics").body.decode()
    assert 'kontor_plugin_crashes_total{plugin="crash"} 2\n' in text
    assert 'kontor_plugin_quarantined{plugin="crash"} 1\n' in text


def test_a_stream_repeats_no_point(kontor):
    """Each reconnection would draw the last hour a second time."""
    ask(kontor, "/ping")
    wait_until(lambda: json.loads(ask(kontor, "/api/observer/history").body)["samples"], 30,
               "a sample")
    known = json.loads(ask(kontor, "/api/observer/history").body)["samples"][-1]["time_ms"]
    later = json.loads(ask(kontor, "/api/observer/history",
                           QUERY_STRING=f"after_ms={known}").body)["samples"]
    assert all(sample["time_ms"] > known for sample in later)


def test_history_adds_up(kontor):
    """The charts would show what one worker did, or nothing."""
    for _ in range(30):
        ask(kontor, "/ping")

    def samples():
        found = json.loads(ask(kontor, "/api/observer/history").body)["samples"]
        return sum(sample["requests"] for sample in found) >= 30 and found
    found = wait_until(samples, 30, "the requests in the history")
    assert all(sample["time_ms"] % 5000 == 0 for sample in found)
    times = [sample["time_ms"] for sample in found]
    assert times == sorted(set(times))
    assert len(found[-1]["durations"]) == len(json.loads(
        ask(kontor, "/api/observer/history").body)["bounds_ms"])


def test_the_last_hour_outlives_its_workers(kontor):
    """After a crash the charts would show a past that never was; after a reload, none."""
    wait_until(lambda: len(workers(kontor)) == 2, 20, "both observers")

    def samples():
        try:
            return json.loads(ask(kontor, "/api/observer/history").body)["samples"]
        except (OSError, Closed, KeyError):
            return []
    for _ in range(40):
        ask(kontor, "/api/evaluation/now")
    before = wait_until(lambda: (found := samples()) and
                        sum(one["requests"] for one in found) >= 40 and found,
                        30, "the requests in the history")

    def is_as_before():
        return [one for one in samples() if one["time_ms"] <= before[-1]["time_ms"]] == before
    assert is_as_before()
    busiest = max(workers(kontor), key=lambda one: one["service"]["requests_total"])
    os.kill(busiest["pid"], signal.SIGKILL)
    wait_until(lambda: len(workers(kontor)) == 2 and is_as_before(), 20, "after a crash")
    for pid in kontor.workers():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: kontor.workers() and is_as_before(), 20, "after a crash of all")
    wait_until(lambda: len(kontor.workers()) == 2, 20, "both are there again")
    assert kontor.control("reload").returncode == 0
    wait_until(is_as_before, 20, "after a reload")
    # It goes on, and what was taken over is there once.
    wait_until(lambda: samples()[-1]["time_ms"] > before[-1]["time_ms"] + 5000, 20, "new samples")
    assert is_as_before()

    def kept():
        return json.loads(ask(kontor, "/api/observer/registry",
                              QUERY_STRING="prefix=observer-past/").body)["entries"]
    wait_until(lambda: len(kept()) == 2, 20, "one for each worker")
    assert all(0 < one["file_bytes"] < 200000 for one in kept())


def test_streams_are_bounded(make_kontor, make_frontend):
    """Pages left open could take every connection of a worker."""
    kontor = make_kontor(plugins=("observer",), sections={"observer": {"streams_max": "2"}})
    site = make_frontend("nginx", kontor)
    streams = [urllib.request.urlopen(f"{site.url}/api/observer/events", timeout=20)
               for _ in range(2)]
    assert all(stream.readline() == b"event: workers\n" for stream in streams)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{site.url}/api/observer/events", timeout=20)
    assert refused.value.code == 503 and refused.value.headers["Retry-After"] == "30"
    streams.pop().close()

    def is_free():
        try:
            urllib.request.urlopen(f"{site.url}/api/observer/events", timeout=20).close()
            return True
        except urllib.error.HTTPError:
            return False
    wait_until(is_free, 20, "the place is free again")
