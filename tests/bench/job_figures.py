# SPDX-License-Identifier: BSD-2-Clause
"""Jobs: how soon one runs, what a crowd that wants the same one waits for, and what others notice of
two hundred. Asked over FastCGI, without a web server between."""

import contextlib
import os
import pathlib
import select
import shutil
import statistics
import subprocess
import tempfile
import time

import fastcgi
import jobs
from figures import compare, in_turns
from kontor import KONTOR_JOB, Kontor, collect_plugins

CROWD = 1000
MANY = 200
# Short jobs in one round, whose median counts.
STARTS = 20
# Requests of somebody else in one round; a hundredth of them are slower than the 99th percentile.
OTHERS = 2000
TIMEOUT = 30


class House:
    """kontor with the tests' plugin that has jobs of all kinds, and as many workers as by default
    on two processors."""

    def __enter__(self):
        self.running = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-"))
        self.running.callback(shutil.rmtree, self.folder, ignore_errors=True)
        home = self.folder / "kontor"
        home.mkdir()
        self.kontor = Kontor(home, collect_plugins(self.folder / "plugins"), plugins=("jobs",),
                             settings={"log_level": "warning", "workers": 2, "jobs_max": 4,
                                       "job_queue": 2 * MANY})
        self.running.callback(self.kontor.stop)
        self.number = 0
        self.kontor.start()
        return self

    def __exit__(self, *_):
        self.running.close()

    def name(self):
        self.number += 1
        return f"n{self.number}"

    def tidy(self, count):
        """Delete the last ones."""
        for number in range(self.number - count + 1, self.number + 1):
            jobs.ask(self.kontor, "POST", "/delete", realm="r", id=f"n{number}")


def start_ms(house, system):
    """From the request to the answer that an empty job is ready; or until a bare process, which
    says that it has no order, has ended."""
    times = []
    environment = {"LD_LIBRARY_PATH": str(KONTOR_JOB.parent)}
    for _ in range(STARTS):
        began = time.perf_counter()
        if system == "kontor":
            job = jobs.end(house.kontor, house.name(), "count", 0)
            if job["state"] != "ready":
                raise RuntimeError(job["reason"])
        else:
            pid = os.posix_spawn(KONTOR_JOB, [KONTOR_JOB], environment, file_actions=[
                (os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)])
            _, status = os.waitpid(pid, 0)
            if os.waitstatus_to_exitcode(status) != os.EX_USAGE:
                raise RuntimeError(f"{KONTOR_JOB} does not start")
        times.append(1000 * (time.perf_counter() - began))
    if system == "kontor":
        house.tidy(STARTS)
    return statistics.median(times)


def crowd_ms(house):
    """From the first request for one job to the last answer to a thousand of them."""
    name = house.name()
    request = fastcgi.request(f"/api/jobs/start?realm=r&id={name}&kind=sleep", keep=False,
                              method="POST")
    clients = [house.kontor.client() for _ in range(CROWD)]
    waiting = {client.socket.fileno(): client for client in clients}
    answers = dict.fromkeys(waiting, b"")
    poll = select.epoll()
    try:
        for number in waiting:
            poll.register(number, select.EPOLLIN)
        began = time.perf_counter()
        for client in clients:
            client.send(request)
        while waiting:
            events = poll.poll(TIMEOUT)
            if not events:
                raise RuntimeError(f"{len(waiting)} of {CROWD} had no answer")
            for number, _ in events:
                data = waiting[number].socket.recv(65536)
                answers[number] += data
                if not data:
                    poll.unregister(waiting.pop(number).socket)
        took = 1000 * (time.perf_counter() - began)
    finally:
        poll.close()
        for client in clients:
            client.close()
    started = sum(b"Status: 409" not in answer for answer in answers.values())
    if started != 1 or len(jobs.runners(house.kontor)) != 1:
        raise RuntimeError(f"{started} started one job")
    jobs.ask(house.kontor, "POST", "/cancel", realm="r", id=name, who="bench")
    jobs.wait_state(house.kontor, name, "cancelled")
    return took


def other_p99_ms(house, system):
    """What 99 % of somebody's requests take at most: alone, or while two hundred jobs are queued and
    run."""
    starter = None
    if system == "jobs":
        names = [house.name() for _ in range(MANY)]
        starter = os.fork()
        if starter == 0:
            status = 1
            with contextlib.suppress(Exception):
                for name in names:
                    jobs.start(house.kontor, name, "count", 20000)
                status = 0
            os._exit(status)
    times = []
    with house.kontor.client() as client:
        for _ in range(OTHERS):
            began = time.perf_counter()
            client.get("/api/jobs/look?realm=other&id=none")
            times.append(1000 * (time.perf_counter() - began))
    if starter is not None:
        _, status = os.waitpid(starter, 0)
        if status != 0:
            raise RuntimeError("not all jobs were started")
        for name in names:
            jobs.ask(house.kontor, "GET", "/wait", realm="r", id=name)
        house.tidy(MANY)
    return statistics.quantiles(times, n=100)[-1]


def run(_, options, emit):
    """Measure all three."""
    if not os.access(KONTOR_JOB, os.X_OK):
        raise subprocess.SubprocessError(f"{KONTOR_JOB} is not there")
    with House() as house:
        rounds = in_turns(("kontor", "posix_spawn"), options.rounds,
                          lambda system: start_ms(house, system))
        emit(compare("job_start_ms", "ms", rounds["kontor"], "posix_spawn", rounds["posix_spawn"]))
        emit(compare("job_crowd_1000_ms", "ms",
                     [crowd_ms(house) for _ in range(options.rounds)]))
        rounds = in_turns(("alone", "jobs"), options.rounds,
                          lambda system: other_p99_ms(house, system))
        emit(compare("job_others_p99_ms", "ms", rounds["jobs"], "alone", rounds["alone"]))
