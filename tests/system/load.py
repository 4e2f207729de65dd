# SPDX-License-Identifier: BSD-2-Clause
"""A steady load of requests through a web server, each answer noted: what visitors would see."""

import http.client
import threading
import time

from fastcgi import wait_until


class Load:
    """So many visitors who ask for a path again and again on kept connections, until the end.

    Use it as a context manager; afterwards `failures` says what was not answered with 200.
    """

    def __init__(self, frontend, path="/api/evaluation/now", body=None, visitors=8):
        self.frontend = frontend
        self.path = path
        self.body = body  # None: GET, else JSON to POST
        self.answered = 0
        self.failures = []
        self.is_over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.visit) for _ in range(visitors)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_answers(len(self.threads))
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def visit(self):
        connection = self.frontend.connect()
        while not self.is_over.is_set():
            try:
                connection.request("GET" if self.body is None else "POST", self.path, self.body,
                                   {"Content-Type": "application/json"} if self.body else {})
                response = connection.getresponse()
                response.read()
                failure = None if response.status == 200 else response.status
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                failure = repr(error)
            with self.lock:
                if failure is None:
                    self.answered += 1
                else:
                    self.failures.append((time.monotonic(), failure))
        connection.close()

    def wait_answers(self, more):
        """Wait until so many more requests were answered."""
        goal = self.answered + more
        wait_until(lambda: self.answered >= goal, 30, f"{more} more answers")
