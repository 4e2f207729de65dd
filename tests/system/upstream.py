# SPDX-License-Identifier: BSD-2-Clause
"""A small HTTP server that answers well or badly, as its path says, and remembers what it saw.

It runs on a thread of its own. Knows nothing of kontor.
"""

import asyncio
import contextlib
import gzip
import json
import threading
import urllib.parse


class Seen:
    """One request, and the number of the connection it came on."""

    def __init__(self, connection, method, path, headers, body):
        self.connection, self.method, self.path = connection, method, path
        self.headers, self.body = headers, body


def answer(body=b"", status=200, **headers):
    """A whole answer, as bytes."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}",
             *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Upstream:
    """Use it as a context manager; `url` is where it is."""

    def __init__(self, host="127.0.0.1", tls=None):
        self.host, self.port, self.tls = host, None, tls
        self.requests, self.connections, self.open, self.waiting = [], 0, 0, 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self):
        self.thread.start()
        self.server = self.run(asyncio.start_server(self.serve, self.host, 0, backlog=4096,
                                                    ssl=self.tls))
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self.tls else ''}://{self.host}:{self.port}"
        return self

    def __exit__(self, *_):
        self.run(self.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    async def stop(self):
        self.server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def seen(self, path):
        """The requests for this path."""
        return [request for request in self.requests if request.path.partition("?")[0] == path]

    async def serve(self, reader, writer):
        self.connections += 1
        self.open += 1
        number = self.connections
        try:
            while await self.serve_one(number, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            if self.tls:
                writer.transport.abort()  # rather than wait for the other side's farewell
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self.open -= 1

    async def serve_one(self, number, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip()
                   for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Seen(number, method, path, headers, body)
        self.requests.append(request)
        url = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(url.query))
        return await self.find(url.path)(request, query, reader, writer)

    def find(self, path):
        """Who answers for this path."""
        return getattr(self, "on_" + path.strip("/").replace("-", "_"))

    # ------------------------------------------------------------ what it does, by path

    async def on_json(self, request, query, reader, writer):
        writer.write(answer(b'{"answer": 42, "text": "gr\\u00fcn"}', Content_Type="application/json"))
        return True

    async def on_slow(self, request, query, reader, writer):
        self.waiting += 1
        await asyncio.sleep(int(query.get("ms", 200)) / 1000)
        self.waiting -= 1
        return await self.on_json(request, query, reader, writer)

    async def on_echo(self, request, query, reader, writer):
        text = json.dumps({"method": request.method, "headers": request.headers,
                           "body": request.body.decode()})
        writer.write(answer(b"" if request.method == "HEAD" else text.encode(), X_Test="1"))
        return True

    async def on_status(self, request, query, reader, writer):
        writer.write(answer(b"{}", status=int(query["code"])))
        return True

    async def on_text(self, request, query, reader, writer):
        writer.write(answer(b"no JSON"))
        return True

    async def on_bytes(self, request, query, reader, writer):
        writer.write(answer(b"x" * int(query["count"])))
        return True

    async def on_endless(self, request, query, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    async def on_bomb(self, request, query, reader, writer):
        writer.write(answer(gzip.compress(bytes(int(query["count"]))), Content_Encoding="gzip"))
        return True

    async def on_redirect(self, request, query, reader, writer):
        writer.write(answer(b"elsewhere", int(query.get("code", 302)), Location=query["to"]))
        return True

    async def on_circle(self, request, query, reader, writer):
        writer.write(answer(b"", 302, Location="/circle"))
        return True

    async def on_hang(self, request, query, reader, writer):
        self.waiting += 1
        await reader.read()  # until the other side closes
        self.waiting -= 1
        return False

    async def on_drip(self, request, query, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(1)

    async def on_garbage(self, request, query, reader, writer):
        writer.write(b"220 mail.example.org ESMTP\r\n500 what?\r\n")
        return False

    async def on_silence(self, request, query, reader, writer):
        return False

    async def on_truncated(self, request, query, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nthe beginning")
        return False

    async def on_truncated_chunks(self, request, query, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthe b")
        return False

    async def on_closes(self, request, query, reader, writer):
        """A good answer; then the kept connection is closed without a word."""
        writer.write(answer(b"{}"))
        return False

    async def on_once(self, request, query, reader, writer):
        """The first request of a connection is answered, the second one read and cut."""
        if any(seen.connection == request.connection for seen in self.requests[:-1]):
            return False
        writer.write(answer(b"{}"))
        return True

    async def on_fields(self, request, query, reader, writer):
        fields = b"".join(b"X-%d: y\r\n" % i for i in range(int(query["count"])))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + fields + b"\r\n")
        return True

    async def on_long_field(self, request, query, reader, writer):
        field = b"X: " + b"y" * int(query["bytes"])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + field + b"\r\n\r\n")
        return True

    async def on_interim(self, request, query, reader, writer):
        """Interim answers without end."""
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            await writer.drain()
