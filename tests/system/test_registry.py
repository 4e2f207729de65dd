# SPDX-License-Identifier: BSD-2-Clause
"""The registry: one owner for a key whatever happens, and kept files that outlive every crash."""

import array
import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

import pytest

import kontor as library
from fastcgi import Closed, wait_until
from load import Load

HOUR_MS = 3600 * 1000
# of <asm/unistd.h>, the same on all architectures
PIDFD_GETFD = 438


def ask(kontor, method, path, **query):
    """One request on a connection of its own, so to any of the workers. @return status, text"""
    text = "&".join(f"{name}={value}" for name, value in query.items())
    with kontor.client() as client:
        client.start(f"/api/names{path}?{text}", method=method, keep=False)
        response = client.read_response()
        return response.status, response.body.decode()


def ask_patiently(kontor, method, path, **query):
    """The same while workers come and go: what a web server would try again."""
    def attempt():
        try:
            status, text = ask(kontor, method, path, **query)
        except (OSError, Closed):
            return None
        return (status, text) if status != 503 else None
    return wait_until(attempt, 20, f"{method} {path}")


def keys(kontor, prefix=""):
    status, text = ask_patiently(kontor, "GET", "/list", prefix=prefix)
    assert status == 200
    # one is kontor's own
    return {entry["key"]: entry for entry in json.loads(text) if entry["key"] != "jobs/dispatcher"}


@pytest.fixture
def house(make_kontor):
    return make_kontor(plugins=("names", "evaluation"),
                       settings={"workers": "3", "quarantine_crashes": 0})


def registry(kontor):
    return kontor.status()["registry"]


def test_one_winner(house):
    """Two who click in the same second would start the same job twice."""
    answers = []
    barrier = threading.Barrier(60)

    def visit():
        barrier.wait()
        answers.append(ask(house, "POST", "/hold", key="job"))
    threads = [threading.Thread(target=visit) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [json.loads(text) for status, text in answers if status == 201]
    lost = [json.loads(text) for status, text in answers if status == 409]
    assert len(won) == 1 and len(lost) == 59
    assert {entry["owner"] for entry in lost} == {won[0]["owner"]}
    # Whoever asks, from whichever worker, finds it, can call it, and end it.
    heard = {ask(house, "POST", "/call", key="job", say="hello")[1] for _ in range(20)}
    assert heard == {f"{won[0]['value']} heard hello"}
    assert ask(house, "POST", "/end", key="job")[0] == 202
    wait_until(lambda: ask(house, "GET", "/entry", key="job")[0] == 404, what="it is gone")
    assert ask(house, "POST", "/call", key="job")[0] == 404


def test_dead_worker(house):
    """A job whose worker died would block everybody who asks for it, for ever."""
    for number in range(30):
        assert ask(house, "POST", "/hold", key=f"mine/{number}")[0] == 201
    assert ask(house, "POST", "/hold", key="kept", keep_ms=HOUR_MS, file="report")[0] == 201
    before = keys(house, "mine/")
    victim = int(before["mine/0"]["value"])
    os.kill(victim, signal.SIGKILL)
    theirs = {key for key, entry in before.items() if entry["value"] != str(victim)}
    wait_until(lambda: set(keys(house, "mine/")) == theirs, what="only the dead one's are gone")
    assert ask(house, "POST", "/hold", key="mine/0")[0] == 201
    assert ask(house, "GET", "/file", key="kept") == (200, "report")


def test_reload_keeps(house):
    """A changed setting would throw finished reports away."""
    assert ask(house, "POST", "/hold", key="kept", keep_ms=HOUR_MS, file="report")[0] == 201
    assert ask(house, "POST", "/hold", key="passing")[0] == 201
    before = registry(house)["pid"]
    assert house.control("reload").returncode == 0
    assert ask_patiently(house, "GET", "/file", key="kept") == (200, "report")
    wait_until(lambda: set(keys(house)) == {"kept"}, what="the old workers' keys are gone")
    assert keys(house)["kept"]["is_kept"]
    assert registry(house)["pid"] == before


def test_registry_crashes(house, make_frontend):
    """The one process all rely on would take the reports, or the service, along."""
    assert ask(house, "POST", "/hold", key="kept", keep_ms=HOUR_MS, file="report")[0] == 201
    assert ask(house, "POST", "/hold", key="passing")[0] == 201
    nginx = make_frontend("nginx", house)
    workers = house.workers()
    with Load(nginx, path="/api/evaluation/now", visitors=4) as load:
        os.kill(registry(house)["pid"], signal.SIGKILL)
        wait_until(lambda: len(house.workers()) == 3 and not set(house.workers()) & set(workers),
                   what="all workers are replaced")
        load.wait_answers(100)
    assert not load.failures
    assert ask_patiently(house, "GET", "/file", key="kept") == (200, "report")
    assert set(keys(house)) == {"kept"}
    assert ask(house, "POST", "/hold", key="passing")[0] == 201
    status = registry(house)
    assert status["restarts"] == 1 and status["state"] == "serving"
    assert "signal 9" in status["last_failure"]["text"]
    assert "signal 9" in house.control("status").stdout
    house.wait_log(r"master error: the registry .* died: ended by signal 9")
    # A second time, what was salvaged is salvaged again; and it can still go.
    os.kill(status["pid"], signal.SIGKILL)
    wait_until(lambda: registry(house)["restarts"] == 2 and registry(house)["state"] == "serving",
               what="the next registry")
    assert ask_patiently(house, "GET", "/file", key="kept") == (200, "report")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_storm(house, make_frontend):
    """Whatever is killed, in whatever order: a key would be lost, or owned by the dead."""
    dice = random.Random(7)
    nginx = make_frontend("nginx", house)
    kept = {}
    with Load(nginx, path="/api/evaluation/echo", body='{"a": 1}', visitors=4) as load:
        before = None
        for strike in range(14):
            key = f"kept/{strike}"
            status, _ = ask_patiently(house, "POST", "/hold", key=key, keep_ms=HOUR_MS,
                                      file=f"report-{strike}")
            assert status in (201, 409)  # asked again, it may have been there already
            kept[key] = f"report-{strike}"
            ask_patiently(house, "POST", "/hold", key=f"passing/{strike}")
            victims = house.workers()
            if strike % 3 == 0:
                victims = [registry(house)["pid"]]
            for victim in dice.sample(victims, min(len(victims), dice.randint(1, 2))):
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(dice.random() * 0.2)
            if strike == 3:
                before = descriptors(house.process.pid)
        wait_until(lambda: len(house.workers()) == 3 and house.status()["state"] == "running" and
                   registry(house)["state"] == "serving", 30, "all is well")
        load.wait_answers(50)
    for key, text in kept.items():
        assert ask_patiently(house, "GET", "/file", key=key) == (200, text)
    alive = {str(pid) for pid in house.workers()}
    for entry in keys(house).values():
        assert entry["is_kept"] or entry["value"] in alive, entry
    # one more for each file that is kept, and a few while a generation goes
    assert descriptors(house.process.pid) <= before + len(kept) + 8


# ---------------------------------------------------------------- the registry lives, a wire breaks

def wires(kontor):
    """The registry's ends of the sockets to the workers, for us to break as well."""
    pid = registry(kontor)["pid"]
    call = ctypes.CDLL(None, use_errno=True).syscall
    process = os.pidfd_open(pid)
    found = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        if not os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
            continue
        fd = call(PIDFD_GETFD, process, int(number), 0)
        assert fd >= 0, os.strerror(ctypes.get_errno())
        wire = socket.socket(fileno=fd)
        if wire.type == socket.SOCK_STREAM:
            found.append(wire)
        else:
            wire.close()
    os.close(process)
    return found


def cut(kontor):
    """Break the wire of one worker."""
    found = wires(kontor)
    found[0].shutdown(socket.SHUT_RDWR)
    for wire in found:
        wire.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_lost_wire(make_kontor, make_frontend, workers):
    """One worker would answer 503 to whatever needs the registry, for ever, and nobody would know."""
    house = make_kontor(plugins=("names", "evaluation"), settings={"workers": workers})
    assert ask(house, "POST", "/hold", key="kept", keep_ms=HOUR_MS, file="report")[0] == 201
    nginx = make_frontend("nginx", house)
    before, pid = set(house.workers()), registry(house)["pid"]
    with Load(nginx, path="/api/evaluation/now", visitors=4) as load:
        cut(house)
        wait_until(lambda: len(house.workers()) == workers and not set(house.workers()) & before,
                   what="the workers are replaced")
        load.wait_answers(100)
    assert not load.failures
    house.wait_log(r"replacing the workers: one of them has lost the registry")
    for _ in range(3 * workers):
        assert ask(house, "GET", "/file", key="kept") == (200, "report")
    # Nobody is to blame: neither the registry, nor a worker, nor a plugin.
    status = house.status()
    assert (status["registry"]["pid"], status["registry"]["restarts"]) == (pid, 0)
    assert all(worker["restarts"] == 0 and "last_failure" not in worker
               for worker in status["workers"])
    assert all(plugin["state"] == "well" for plugin in status["plugins"])


def test_lost_wire_again(make_kontor):
    """Workers that lose the registry as soon as they have it would be replaced without a pause."""
    house = make_kontor(plugins=("names",), settings={"workers": 1})
    generations = []
    began = time.monotonic()
    for _ in range(2):
        before = house.workers()
        cut(house)
        wait_until(lambda: len(house.workers()) == 1 and house.workers() != before, 30,
                   "the worker is replaced")
        wait_until(lambda: house.status()["state"] == "running", what="the other one has gone")
        generations.append(house.status()["generation"])
        assert ask_patiently(house, "GET", "/entry", key="none")[0] == 404
    assert time.monotonic() - began > 9
    assert generations == [2, 3]


# ---------------------------------------------------------------- systemd's descriptor store

class Store:
    """Systemd's side of the descriptor store, as sd_notify(3) and sd_listen_fds(3) describe it."""

    def __init__(self, folder):
        self.path = str(folder / "notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.fds = {}

    def read(self):
        while True:
            try:
                data, controls, _, _ = self.socket.recvmsg(4096, 1024)
            except BlockingIOError:
                return
            words = dict(line.partition("=")[::2] for line in data.decode().splitlines())
            fds = array.array("i")
            for _, _, bytes_ in controls:
                fds.frombytes(bytes_)
            if words.get("FDSTORE") == "1":
                self.fds.setdefault(words["FDNAME"], []).extend(fds)
            elif words.get("FDSTOREREMOVE") == "1":
                for fd in self.fds.pop(words["FDNAME"], []):
                    os.close(fd)

    def start(self, kontor):
        """Start kontord as systemd would, with everything that is stored."""
        passed = [(name, fd) for name, list_ in self.fds.items() for fd in list_]
        names = ":".join(name for name, _ in passed)
        # descriptors have to begin at 3, and the pid has to be kontord's own
        script = "".join(f"exec {3 + place}<&{fd}; " for place, (_, fd) in enumerate(passed))
        # not to overwrite one that is still to be moved: first far up, then down
        far = "".join(f"exec {100 + place}<&{fd}; " for place, (_, fd) in enumerate(passed))
        script = far + "".join(f"exec {3 + place}<&{100 + place}; "
                               for place in range(len(passed)))
        script += f"LISTEN_PID=$$ exec {library.KONTORD} -c {kontor.config} -f"
        environment = dict(library.ENVIRONMENT, NOTIFY_SOCKET=self.path)
        if passed:
            environment.update(LISTEN_FDS=str(len(passed)), LISTEN_FDNAMES=names)
        with open(kontor.log_path, "ab") as log:
            kontor.process = subprocess.Popen(
                ["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment, pass_fds=[fd for _, fd in passed])
        wait_until(kontor.answers, library.START_TIMEOUT, "kontord answers")

    def close(self):
        for list_ in self.fds.values():
            for fd in list_:
                os.close(fd)
        self.socket.close()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_kontord_is_restarted(make_kontor, folder, how):
    """An upgrade of the package would throw everybody's finished reports away."""
    kontor = make_kontor(plugins=("names",), start=False)
    store = Store(folder)
    try:
        store.start(kontor)
        for number in range(5):
            assert ask(kontor, "POST", "/hold", key=f"kept/{number}", keep_ms=HOUR_MS,
                       file=f"report-{number}")[0] == 201
        assert ask(kontor, "POST", "/hold", key="kept/short", keep_ms=1, file="gone")[0] == 201
        assert ask(kontor, "POST", "/end", key="kept/short")[0] == 202
        wait_until(lambda: set(keys(kontor)) == {f"kept/{n}" for n in range(5)}, what="5 keys")
        for _ in range(2):
            wait_until(lambda: store.read() or len(store.fds) == 6, what="all are stored")
            kontor.process.send_signal(how)
            kontor.process.wait(library.STOP_TIMEOUT)
            kontor.process = None
            store.read()
            store.start(kontor)
            for number in range(5):
                assert ask(kontor, "GET", "/file", key=f"kept/{number}") == (
                    200, f"report-{number}")
            assert all(entry["is_kept"] for entry in keys(kontor).values())
    finally:
        store.close()
