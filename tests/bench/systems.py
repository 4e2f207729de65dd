# SPDX-License-Identifier: BSD-2-Clause
"""The systems that stand behind the same nginx: kontor and its peers. Each knows how it is started
and stopped, where nginx finds it, and whose processor time and memory are its own. Those of other
platforms are in peers.py."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

import procfs
from fastcgi import wait_until
from frontend import EXAMPLES
from kontor import BUILD, ROOT, Kontor, collect_plugins
from ports import free_port

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
# So much of what a peer said is shown when it does not do what it should.
WORDS_MAX = 1000


class Program:
    """An OS process and what descends from it. Its words go to our stderr, or into a file."""

    def __init__(self, *command, log=sys.stderr, **environment):
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log,
                                        env={**os.environ, **environment})

    def pids(self):
        return procfs.family(self.process.pid)

    def stop(self):
        """End it and all that descend from it; the first first, since it would start others."""
        pids = self.pids()
        self.process.kill()
        self.process.wait()
        for pid in pids[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def is_listening(address):
    """Whether somebody accepts at (host, port) or at the path of a socket."""
    family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
    with socket.socket(family) as probe:
        probe.settimeout(1)
        return probe.connect_ex(address) == 0


class Upstream(Program):
    """The slow service that all systems ask at "slow"; it is no system itself."""

    def __init__(self, port):
        super().__init__(BUILD / "tests/bench/upstream", port, SLOW_MS)
        try:
            wait_until(lambda: is_listening(("127.0.0.1", port)), START_TIMEOUT,
                       "the upstream listens")
        except TimeoutError:
            self.stop()
            raise


def filled_in(command, word, value):
    """These words with a value for one of them; it may be a part of a string."""
    return [one.replace(word, str(value)) if isinstance(one, str) else one for one in command]


class Peer(Program):
    """A program that listens on a Unix socket in the folder: SOCKET in the words of its command."""

    # Whether nginx keeps connections to it.
    is_kept = True
    # Endpoints that it has not, and why.
    lacks = {}

    def __init__(self, folder, name, *command, **environment):
        path = folder / f"{name}.sock"
        self.server = f"unix:{path}"
        self.log_path = folder / f"{name}.log"
        with open(self.log_path, "wb") as log:
            super().__init__(*filled_in(command, "SOCKET", path), log=log, **environment)
        try:
            wait_until(lambda: self.is_ready(path), START_TIMEOUT, f"{name} listens")
        except BaseException:
            self.stop()
            raise

    def is_ready(self, path):
        if self.process.poll() is not None:
            raise RuntimeError(f"{path.stem} ended with {self.process.returncode}: {self.words()}")
        return is_listening(str(path))

    def words(self):
        """The last that it has said: some say a line for each request that fails."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")[-WORDS_MAX:].strip()


class HttpPeer(Peer):
    """A peer that speaks HTTP: it also listens on a port, for those who come without nginx: PORT in
    the words of its command."""

    protocol = "http"
    port = None

    def __init__(self, folder, name, *command, **environment):
        self.port = self.port or free_port()
        super().__init__(folder, name, *filled_in(command, "PORT", self.port), **environment)

    def is_ready(self, path):
        return super().is_ready(path) and is_listening(("127.0.0.1", self.port))


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
                         site.connections, site.upstream_port, site.redis_path)


class Node(HttpPeer):
    """Node.js, a process for each processor."""

    # Its client for Redis, where documents are asked for.
    client = None

    def __init__(self, site):
        store = [self.client, site.redis_path] if self.client else []
        super().__init__(site.folder, self.client or "node", NODE, HERE / "peer_node.js", "SOCKET",
                         "PORT", site.processors, site.upstream_port, *store,
                         NODE_PATH=f"{NODE_MODULES}:{NODE_MODULES_OTHER}")


class Ioredis(Node):
    """Node.js with the client for Redis that most people use."""

    client = "ioredis"


class NodeRedis(Node):
    """Node.js with Redis' own client, the one that Debian has."""

    client = "redis"


class Direct:
    """nginx alone, going straight to the upstream. It uses nothing that nginx would not use."""

    protocol = "http"
    is_kept = True

    def __init__(self, site):
        self.server = f"127.0.0.1:{site.upstream_port}"

    def pids(self):
        return []

    def stop(self):
        pass


class Ours:
    """kontor with the plugin evaluation, a worker for each processor."""

    protocol = "fastcgi"
    is_kept = True

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


def http_block():
    """What the location of examples/nginx needs once, before all servers."""
    text = (EXAMPLES / "nginx/upstream.conf").read_text(encoding="utf-8")
    return text[:text.index("upstream kontor {")]


def fastcgi_location(name):
    """The location of examples/nginx, for the system of this name."""
    text = (EXAMPLES / "nginx/kontor.conf").read_text(encoding="utf-8")
    return text[text.index("# What kontor answers"):].replace("fastcgi_pass kontor;",
                                                              f"fastcgi_pass {name};")


def snippet(name, system, port, keepalive):
    """What nginx's http block says of a system: an upstream and a server of its own, so that all
    systems look alike to nginx. FastCGI is set up as in examples/nginx, or as the system says."""
    kept = f"keepalive {keepalive}; keepalive_timeout {KEEPALIVE_SECONDS}s; "
    upstream = (f"upstream {name} {{ server {system.server}; "
                f"{kept if system.is_kept else ''}}}")
    if hasattr(system, "location"):
        location = system.location(name)
    elif system.protocol == "fastcgi":
        location = fastcgi_location(name)
    else:
        location = (f"location / {{ proxy_pass http://{name}; proxy_http_version 1.1; "
                    'proxy_set_header Connection ""; proxy_request_buffering off; '
                    "proxy_max_temp_file_size 0; }")
    return (f"{upstream}\nserver {{ listen 127.0.0.1:{port} backlog=4096 reuseport; "
            f"server_name localhost;\n{location}\n}}\n")
