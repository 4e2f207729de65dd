# SPDX-License-Identifier: BSD-2-Clause
"""The systems that stand behind the same nginx: kontor and its peers. Each knows how it is started
and stopped, where nginx finds it, and whose processor time and memory are its own."""

import os
import socket
import subprocess

import procfs
from fastcgi import wait_until
from frontend import EXAMPLES
from kontor import BUILD, ROOT, Kontor, collect_plugins

HERE = ROOT / "tests/bench"
NODE = "/usr/bin/node"
# Where Debian has modules of Node.js, and where scripts/bench puts the one that Debian has not.
NODE_MODULES = "/usr/share/nodejs"
NODE_MODULES_OTHER = BUILD / "node/node_modules"
# What the upstream of "slow" takes for an answer, in milliseconds.
SLOW_MS = 200
# nginx closes connections that were idle so long, so that each run begins alike; seconds.
KEEPALIVE_SECONDS = 2
# How long a peer may take to open its socket, in seconds.
START_TIMEOUT = 20


class Program:
    """An OS process and what descends from it. It has no words to say; errors go to our stderr."""

    def __init__(self, *command):
        modules = f"{NODE_MODULES}:{NODE_MODULES_OTHER}"
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                        env={**os.environ, "NODE_PATH": modules})

    def pids(self):
        return procfs.family(self.process.pid)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Upstream(Program):
    """The slow service that all systems ask at "slow"; it is no system itself."""

    def __init__(self, port):
        super().__init__(BUILD / "tests/bench/upstream", port, SLOW_MS)
        try:
            wait_until(lambda: self.answers(port), START_TIMEOUT, "the upstream listens")
        except TimeoutError:
            self.stop()
            raise

    @staticmethod
    def answers(port):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False


class Peer(Program):
    """A program that listens on a Unix socket in the folder."""

    def __init__(self, folder, name, *command):
        path = folder / f"{name}.sock"
        self.server = f"unix:{path}"
        super().__init__(*(path if word == "SOCKET" else word for word in command))
        try:
            wait_until(path.exists, START_TIMEOUT, f"{name} listens")
        except TimeoutError:
            self.stop()
            raise


class Epoll(Peer):
    """The smallest FastCGI responder: what nginx and FastCGI leave to reach."""

    protocol = "fastcgi"

    def __init__(self, site):
        super().__init__(site.folder, "epoll", BUILD / "tests/bench/peer_epoll", "SOCKET",
                         site.processors)


class Libfcgi(Peer):
    """libfcgi with a thread for each connection: fewer would starve some of them."""

    protocol = "fastcgi"

    def __init__(self, site):
        super().__init__(site.folder, "libfcgi", BUILD / "tests/bench/peer_libfcgi", "SOCKET",
                         site.connections)


class Node(Peer):
    """Node.js, a process for each processor."""

    protocol = "http"

    def __init__(self, site):
        super().__init__(site.folder, "node", NODE, HERE / "peer_node.js", "SOCKET",
                         site.processors, site.upstream_port)


class Ioredis(Peer):
    """Node.js with the client for Redis that most people use."""

    protocol = "http"
    client = "ioredis"

    def __init__(self, site):
        site.redis.ask("SET", f"kvs:{site.key}", site.document)
        super().__init__(site.folder, self.client, NODE, HERE / "peer_node.js", "SOCKET",
                         site.processors, site.upstream_port, self.client, site.redis.path)


class NodeRedis(Ioredis):
    """Node.js with Redis' own client, the one that Debian has."""

    client = "redis"


class Direct:
    """nginx alone, going straight to the upstream. It uses nothing that nginx would not use."""

    protocol = "http"

    def __init__(self, site):
        self.server = f"127.0.0.1:{site.upstream_port}"

    def pids(self):
        return []

    def stop(self):
        pass


class Ours:
    """kontor with the plugin evaluation, a worker for each processor."""

    protocol = "fastcgi"

    def __init__(self, site):
        home = site.folder / "kontor"
        home.mkdir()
        sections = {}
        if site.endpoint == "slow":
            sections["evaluation"] = {"upstream": f"http://127.0.0.1:{site.upstream_port}/"}
        store = {"store": site.redis.unix} if site.redis else {}
        self.kontor = Kontor(home, collect_plugins(site.folder / "plugins"),
                             plugins=("evaluation",), sections=sections,
                             settings={"workers": str(site.processors), "request_log": "no",
                                       "log_level": "warning", **store})
        self.server = f"unix:{self.kontor.socket}"
        try:
            self.kontor.start()
            if site.redis:
                self.store(site.path, site.document)
        except BaseException:
            self.kontor.stop()
            raise

    def store(self, path, document):
        """Put the document there that will be asked for."""
        with self.kontor.client() as client:
            client.start(path, method="PUT", body=document.encode(),
                         content_type="application/json")
            status = client.read_response().status
        if status not in (201, 204):
            raise RuntimeError(f"kontor does not store a document: {status}")

    def pids(self):
        return procfs.family(self.kontor.process.pid)

    def stop(self):
        self.kontor.stop()


SYSTEMS = {"kontor": Ours, "epoll": Epoll, "libfcgi": Libfcgi, "node": Node, "ioredis": Ioredis,
           "node-redis": NodeRedis, "nginx": Direct}


def is_there(name):
    """Whether a system can be measured: ioredis comes from elsewhere, which may be out of reach."""
    return name != "ioredis" or (NODE_MODULES_OTHER / "ioredis").exists()


def snippet(name, system, port, keepalive):
    """What nginx's http block says of a system: an upstream and a server of its own, so that all
    systems look alike to nginx. FastCGI is set up as in examples/nginx."""
    upstream = (f"upstream {name} {{ server {system.server}; keepalive {keepalive}; "
                f"keepalive_timeout {KEEPALIVE_SECONDS}s; }}")
    if system.protocol == "fastcgi":
        location = (EXAMPLES / "nginx/kontor.conf").read_text(encoding="utf-8")
        location = location[location.index("# What kontor answers"):]
        location = location.replace("fastcgi_pass kontor;", f"fastcgi_pass {name};")
    else:
        location = (f"location / {{ proxy_pass http://{name}; proxy_http_version 1.1; "
                    'proxy_set_header Connection ""; proxy_request_buffering off; '
                    "proxy_max_temp_file_size 0; }")
    return (f"{upstream}\nserver {{ listen 127.0.0.1:{port} backlog=4096 reuseport; "
            f"server_name localhost;\n{location}\n}}\n")
