# SPDX-License-Identifier: BSD-2-Clause
"""Free ports of the loopback, for servers that want to be told theirs.

They lie below those that the kernel gives to clients: a port that is free now is then not some
connection's when the server comes. Each run of the tests has a block of its own, held by a lock for
as long as its process lives, so that runs beside each other don't take each other's.
"""

import fcntl
import functools
import itertools
import os
import pathlib
import socket
import tempfile

BLOCK_SIZE = 500
# The first ports of the blocks; the kernel's own begin at 32768 (ip_local_port_range).
BLOCKS = range(10000, 32000, BLOCK_SIZE)


@functools.lru_cache(maxsize=None)
def own_ports():
    """The ports of this process, again and again."""
    folder = pathlib.Path(tempfile.gettempdir()) / f"kontor-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for first in BLOCKS:
        lock = open(folder / str(first), "wb")  # pylint: disable=consider-using-with
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        # With the lock, which goes with what refers to it.
        return itertools.cycle((port, lock) for port in range(first, first + BLOCK_SIZE))
    raise RuntimeError(f"all blocks of ports are taken: who holds the locks in {folder}?")


def free_port():
    """A port of the loopback that nobody listens on."""
    for port, _ in itertools.islice(own_ports(), BLOCK_SIZE):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no port is free")
