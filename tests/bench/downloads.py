# SPDX-License-Identifier: BSD-2-Clause
"""A finished report through nginx, beside nginx sending the same bytes as a static file from a file
system in RAM. A report is made once by its job; then it is fetched in turns."""

import contextlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile

import procfs
import requests
from figures import compare, in_turns
from frontend import Nginx, nginx_snippets
from kontor import ROOT, Kontor, collect_plugins

# A file in RAM, as the report is.
RAM = pathlib.Path("/dev/shm")
MB = 70
# Each row is so long; the header is not worth counting.
ROW_BYTES = 100
# How often the file is fetched for one figure, one after the other.
FETCHES = 10
JOB_SECONDS = 60

REPORT = f"""-- title: A large file
-- source: numbers
-- column: number integer
-- column: text text
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
    WHERE i < {MB * 1000000 // ROW_BYTES})
SELECT 1000000 + i AS number, printf('%0{ROW_BYTES - 10}d', i) AS text FROM n
"""


class Site:
    """kontor with one report, and an nginx that has it as a file, too."""

    def __enter__(self):
        self.running = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-"))
        self.running.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.static = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-", dir=RAM))
        self.running.callback(shutil.rmtree, self.static, ignore_errors=True)
        for folder in (self.folder, self.static):
            os.chmod(folder, 0o755)
        try:
            self.open()
        except BaseException:
            self.running.close()
            raise
        return self

    def __exit__(self, *_):
        self.running.close()

    def keep(self, part):
        self.running.callback(part.stop)
        return part

    def open(self):
        definitions = self.folder / "reports.d"
        definitions.mkdir()
        (definitions / "large.sql").write_text(REPORT)
        database = self.folder / "numbers.db"
        sqlite3.connect(database).close()
        home = self.folder / "kontor"
        home.mkdir()
        self.kontor = Kontor(
            home, collect_plugins(self.folder / "plugins"), plugins=("reports",),
            settings={"log_level": "warning"},
            sections={"reports": {"definitions": definitions,
                                  "sources": f"numbers=sqlite:{database}"}})
        self.keep(self.kontor)
        self.kontor.start()
        upstream, locations = nginx_snippets(self.kontor.socket, ROOT / "www", "")
        locations += f"\nlocation /static/ {{ alias {self.static}/; sendfile on; }}\n"
        self.nginx = self.keep(Nginx(self.folder / "nginx", snippets=(upstream, locations),
                                     connections=64))
        self.address = self.nginx.url
        self.paths = {"kontor": self.make_report(), "nginx": "/static/large.csv"}

    def make_report(self):
        """@return the path of the file"""
        answer = requests.post(f"{self.address}/api/reports/large/jobs", timeout=JOB_SECONDS,
                               headers={"Prefer": "wait=30"}, allow_redirects=False,
                               json={"parameters": {}, "format": "csv"})
        if answer.status_code != 303:
            raise RuntimeError(f"the report was not made: {answer.status_code} {answer.text}")
        path = answer.headers["Location"]
        content = requests.get(self.address + path, timeout=JOB_SECONDS).content
        (self.static / "large.csv").write_bytes(content)
        self.bytes = len(content)
        return path

    def fetch(self, name):
        """@return MB/s of one client that fetches the file again and again"""
        command = ["curl", "--silent", "--fail", "--output", "/dev/null"]
        url = self.address + self.paths[name]
        words = [*command, "--write-out", "%{time_total}\n", url]
        for _ in range(FETCHES - 1):
            words += ["--next", *words[1:len(command) + 3]]
        output = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                check=True).stdout
        seconds = sum(float(line) for line in output.split())
        return FETCHES * self.bytes / 1e6 / seconds

    def memory_mb(self):
        """The most that the workers ever had in RAM."""
        return sum(procfs.peak_bytes(pid) for pid in self.kontor.workers()) / 1e6


def run(_, options, emit):
    """Measure the rate, and how much the worker has grown by the downloads."""
    with Site() as site:
        before = site.memory_mb()
        rounds = in_turns(("kontor", "nginx"), options.rounds, site.fetch)
        emit(compare("download_70mb", "MB/s", rounds["kontor"], "nginx", rounds["nginx"]))
        emit(compare("download_70mb_growth_mb", "MB", [site.memory_mb() - before]))
