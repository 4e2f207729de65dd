# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of jobs share: asking the test plugin, and looking for what was left behind."""

import json
import os
import pathlib
import urllib.parse

from fastcgi import Closed, wait_until


def ask(kontor, method, path, **query):
    """One request on a connection of its own, so to any worker. @return status, JSON or text"""
    text = urllib.parse.urlencode(query)
    with kontor.client() as client:
        client.start(f"/api/jobs{path}?{text}", method=method, keep=False)
        response = client.read_response()
        body = response.body.decode()
        return response.status, json.loads(body) if body[:1] in ("{", "[") else body


def ask_patiently(kontor, method, path, **query):
    """The same while workers come and go: what a web server would try again."""
    def attempt():
        try:
            status, answer = ask(kontor, method, path, **query)
        except (OSError, Closed):
            return None
        return (status, answer) if status != 503 else None
    return wait_until(attempt, 20, f"{method} {path}")


def start(kontor, name, kind, argument="", **query):
    return ask(kontor, "POST", "/start", realm=query.pop("realm", "r"), id=name, kind=kind,
               argument=argument, **query)


def end(kontor, name, kind, argument="", **query):
    """Start a job and wait for its end. @return what is known of it then"""
    status, job = start(kontor, name, kind, argument, wait=1, **query)
    assert status == 200, job
    return job


def look(kontor, name, realm="r"):
    status, job = ask(kontor, "GET", "/look", realm=realm, id=name)
    return job if status == 200 else None


def wait_state(kontor, name, state, realm="r"):
    def is_there():
        try:
            job = look(kontor, name, realm)
        except (OSError, Closed):
            return None
        return job if job and job["state"] == state else None
    return wait_until(is_there, 20, f"job {name} is {state}")


def runners(kontor):
    """The pids of kontor-job processes of this kontord, zombies included."""
    workers = {str(pid) for pid in kontor.workers()}
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if not folder.name.isdigit():
                continue
            stat = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        name, _, rest = stat.partition("(")[2].rpartition(")")
        if name == "kontor-job" and rest.split()[1] in workers:
            found.append(int(folder.name))
    return found


def descriptors(pid):
    return sorted(os.readlink(f"/proc/{pid}/fd/{fd}").partition(":")[0]
                  for fd in os.listdir(f"/proc/{pid}/fd"))


class Belongings:
    """What kontor has, to be compared with what it has after all jobs are gone."""

    def __init__(self, kontor, directory):
        self.kontor, self.directory = kontor, directory
        self.before = self.now()

    def now(self):
        status = self.kontor.status()
        pids = [worker["pid"] for worker in status["workers"]]
        pids += [status["registry"]["pid"], self.kontor.process.pid]
        return {"descriptors": {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in pids},
                "processes": self.kontor.processes(), "runners": runners(self.kontor),
                "directories": os.listdir(self.directory)}

    def wait(self):
        """Wait until there is nothing more than at the beginning."""
        def is_same():
            now = self.now()
            return now == self.before
        try:
            wait_until(is_same, 20, "nothing is left behind")
        except AssertionError:
            raise AssertionError(f"{self.before} became {self.now()}") from None
