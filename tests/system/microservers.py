# SPDX-License-Identifier: BSD-2-Clause
"""What the store has seen of microservers, by other means than kontor's own."""

import collections
import queue
import re
import socket
import sqlite3
import threading

from redis_server import send

FLOOR = -2 ** 63
CHANGE = re.compile(rb'"INCRBY" "[^"]*row/(\d+)" "(-?\d+)"')
MARK = b"what was done by now"


def floor(value):
    """How a row with this value is kept."""
    return FLOOR + value


def sqlite_rows(path):
    """{key: number} of a store that nobody uses any more."""
    with sqlite3.connect(path) as database:
        return dict(database.execute("SELECT key, value FROM counters "
                                     "WHERE name_space = 'microservers' AND key LIKE 'row/%'"))


class Counter:
    """Counts the decrements of each row that Redis makes, as its MONITOR tells. That tells also of
    those which Redis refuses, since nothing is left: they are known by following the numbers."""

    def __init__(self, redis):
        self.redis = redis
        self.numbers, self.done = {}, collections.Counter()
        self.marks = queue.Queue()
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(redis.path)
        self.stream = self.connection.makefile("rwb")
        send(self.stream, "MONITOR")
        assert self.stream.readline() == b"+OK\r\n"
        self.thread = threading.Thread(target=self.follow, daemon=True)
        self.thread.start()

    def follow(self):
        try:
            for line in self.stream:
                if match := CHANGE.search(line):
                    self.take(int(match[1]), int(match[2]))
                elif MARK in line:
                    self.marks.put(dict(self.done))
        except OSError:
            pass

    def take(self, row, delta):
        """One INCRBY, which Redis refuses when the number would not fit into 64 bits."""
        number = self.numbers.get(row, 0) + delta
        if number >= FLOOR:
            self.numbers[row] = number
            self.done[row] += delta == -1

    def counts(self):
        """{row: how often one was subtracted}, of all that Redis has done by now."""
        self.redis.ask("ECHO", MARK)
        return self.marks.get(timeout=20)

    def stop(self):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.connection.close()
