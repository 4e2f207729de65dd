# SPDX-License-Identifier: BSD-2-Clause
"""Newcomers: people who come on fresh connections while a load runs. A load generator keeps its
connections and so doesn't see it when a server lets nobody else in; these do."""

import socket
import threading
import time

# A newcomer knocks so often, and gives up after so long; seconds.
INTERVAL = 0.2
TIMEOUT = 5


class Newcomers:
    """One fresh connection every INTERVAL while the context lasts; then `worst_ms` is known."""

    def __init__(self, port, path, body):
        self.port = port
        if body is None:
            head = f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n"
        else:
            head = (f"POST {path} HTTP/1.0\r\nHost: localhost\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        self.request = head.encode()
        self.waits = []
        self.is_over = threading.Event()
        self.threads = []
        self.door = threading.Thread(target=self.come)

    def __enter__(self):
        self.door.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.door.join()
        for thread in self.threads:
            thread.join()

    def come(self):
        while not self.is_over.wait(INTERVAL):
            self.threads.append(threading.Thread(target=self.visit))
            self.threads[-1].start()

    def visit(self):
        """Ask once; no answer, or a bad one, counts as having waited until giving up."""
        began = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
                connection.sendall(self.request)
                is_well = b" 200 " in connection.recv(65536).partition(b"\r\n")[0]
        except OSError:
            is_well = False
        self.waits.append(time.monotonic() - began if is_well else TIMEOUT)

    @property
    def worst_ms(self):
        return max(self.waits, default=0) * 1000
