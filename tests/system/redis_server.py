# SPDX-License-Identifier: BSD-2-Clause
"""A real redis-server on a temporary folder, and one that only looks like it.

Redis keeps what it has across kill() and start(), when it is told to keep an append-only file.
"""

import asyncio
import os
import pathlib
import signal
import socket
import subprocess
import threading

from fastcgi import wait_until
from ports import free_port

REDIS = "/usr/bin/redis-server"
START_TIMEOUT = 20


class Redis:
    """A Redis on a Unix socket and on a port of 127.0.0.1. `options` are its configuration."""

    def __init__(self, folder, password="", **options):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.path = str(self.folder / "redis.sock")
        self.port = free_port()
        self.password = password
        self.process = None
        lines = {"port": self.port, "bind": "127.0.0.1", "unixsocket": self.path,
                 "unixsocketperm": "777", "dir": self.folder, "save": '""', "daemonize": "no",
                 **({"requirepass": password} if password else {}),
                 **{name.replace("_", "-"): value for name, value in options.items()}}
        self.config = self.folder / "redis.conf"
        self.config.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
        self.start()

    @property
    def unix(self):
        return f"redis+unix:{self.path}"

    @property
    def tcp(self):
        return f"redis://127.0.0.1:{self.port}"

    def start(self):
        with open(self.folder / "redis.log", "ab") as log:
            self.process = subprocess.Popen([REDIS, str(self.config)], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        wait_until(self.answers, START_TIMEOUT, "Redis answers")
        return self

    def answers(self):
        try:
            return self.ask("PING") == b"PONG"
        except (OSError, RuntimeError):
            return False

    def ask(self, *words):
        """Send one command; its reply as bytes, int, None or a list."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(START_TIMEOUT)
            connection.connect(self.path)
            with connection.makefile("rwb") as stream:
                if self.password:
                    send(stream, "AUTH", self.password)
                    receive(stream)
                send(stream, *words)
                return receive(stream)

    def count_clients(self):
        """How many connections there are, beside the one that asks."""
        return len(self.ask("CLIENT", "LIST").splitlines()) - 1

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()


def send(stream, *words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    stream.write(b"*%d\r\n" % len(words) +
                 b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words))
    stream.flush()


def receive(stream):
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise OSError("the connection is closed")
    kind, rest = line[:1], line[1:-2]
    if kind == b"-":
        raise RuntimeError(rest.decode())
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return None if rest == b"-1" else [receive(stream) for _ in range(int(rest))]
    return rest


class Impostor:
    """A server that takes what kontor says, and lets `answer(writer, words)` answer each command;
    returning False closes the connection. Greetings are answered as Redis does, if `greets`."""

    GREETINGS = {b"INFO": b"$8\r\n# Server\r\n", b"SET": b"+OK\r\n", b"SELECT": b"+OK\r\n",
                 b"AUTH": b"+OK\r\n", b"SCRIPT": b"$40\r\n" + b"0" * 40 + b"\r\n"}

    def __init__(self, answer, greets=True):
        self.answer, self.greets = answer, greets
        self.connections = 0
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(
            asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.tcp = f"redis://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while words := await self.read(reader):
                if not self.greet(writer, words) and self.answer(writer, words) is False:
                    break
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    def greet(self, writer, words):
        if not self.greets or (words[0] == b"GET" and words[1] != b"kontor:schema"):
            return False
        greeting = b"$1\r\n1\r\n" if words[0] == b"GET" else self.GREETINGS.get(words[0])
        if greeting:
            writer.write(greeting)
        return greeting is not None

    @staticmethod
    async def read(reader):
        line = await reader.readline()
        if not line.startswith(b"*"):
            return None
        words = []
        for _ in range(int(line[1:])):
            size = int((await reader.readline())[1:])
            words.append((await reader.readexactly(size + 2))[:-2])
        return words

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()


def descriptors(pid):
    """How many descriptors an OS process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))
