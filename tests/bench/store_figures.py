# SPDX-License-Identifier: BSD-2-Clause
"""What others notice of writes to the store in SQLite: the wait for /echo while many write, beside
the same while as many ask for /now. Asked over FastCGI, without a web server between."""

import contextlib
import pathlib
import shutil
import tempfile
import threading
import time

from figures import compare, in_turns
from kontor import Kontor, collect_plugins

WRITERS = 16
BODY = b'{"id":4711,"name":"Ada Lovelace","active":true}'


class House:
    """kontor with one worker, whose loop all share, and a store on the disk."""

    def __enter__(self):
        self.running = contextlib.ExitStack()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-bench-", dir="/var/tmp"))
        self.running.callback(shutil.rmtree, self.folder, ignore_errors=True)
        home = self.folder / "kontor"
        home.mkdir()
        self.kontor = Kontor(home, collect_plugins(self.folder / "plugins"),
                             settings={"log_level": "warning",
                                       "store": f"sqlite:{self.folder}/store.db"})
        self.running.callback(self.kontor.stop)
        self.kontor.start()
        return self

    def __exit__(self, *_):
        self.running.close()

    def ask(self, client, path, body=b"", method="GET"):
        client.start(path, method=method, body=body, CONTENT_TYPE="application/json")
        response = client.read_response()
        if response.status not in (200, 204):
            raise RuntimeError(f"{path}: {response.status}")

    def load(self, does_write, number, ended):
        """Requests one after the other, until it is over."""
        with self.kontor.client() as client:
            while not ended.is_set():
                if does_write:
                    self.ask(client, f"/api/evaluation/kvs/k{number}", BODY, "PUT")
                else:
                    self.ask(client, "/api/evaluation/now")

    def p99_ms(self, does_write, seconds):
        ended = threading.Event()
        others = [threading.Thread(target=self.load, args=(does_write, number, ended))
                  for number in range(WRITERS)]
        for other in others:
            other.start()
        waits, end = [], time.monotonic() + seconds
        try:
            with self.kontor.client() as client:
                while time.monotonic() < end:
                    begin = time.monotonic()
                    self.ask(client, "/api/evaluation/echo", BODY, "POST")
                    waits.append(time.monotonic() - begin)
        finally:
            ended.set()
            for other in others:
                other.join()
        return sorted(waits)[len(waits) * 99 // 100] * 1e3


def run(_, options, emit):
    with House() as house:
        rounds = in_turns(("kontor", "now"), options.rounds,
                          lambda system: house.p99_ms(system == "kontor", options.seconds))
    emit(compare("store_echo_p99_ms", "ms", rounds["kontor"], "now", rounds["now"]))
