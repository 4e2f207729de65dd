# SPDX-License-Identifier: BSD-2-Clause
"""Other platforms as their own people would set them up: PHP-FPM, Falcon with gunicorn, Puma, Kore
and Cowboy. Each knows what it needs to be there, which endpoints it has, and its settings."""

import glob
import os
import subprocess

from kontor import BUILD
from ports import free_port
from systems import HERE, HttpPeer, Peer

# Processes or threads of those platforms that keep one busy for each request: enough to fill the
# processors where little is waited for, and many where each request waits long. More of them would
# make long waits shorter, and everything larger.
SLOTS, SLOTS_OF_WAITERS = 32, 256
WAITERS = ("rpc", "slow")

DIST_PACKAGES = "/usr/lib/python3/dist-packages"
PHP_FPM = "/usr/sbin/php-fpm[0-9]*"
# Debian has Cowboy only as a part of rabbitmq-server, out of which scripts/bench takes it.
COWBOY = BUILD / "cowboy/usr/lib/rabbitmq/lib"
COWBOY_PARTS = ("cowboy", "cowlib", "ranch")
ERLANG_LIBRARIES = "/usr/lib/erlang/lib"


def missing(*patterns):
    """The first of these files that is not there; empty if all are."""
    return next((str(pattern) for pattern in patterns if not glob.glob(str(pattern))), "")


def slots(site):
    return SLOTS_OF_WAITERS if site.endpoint in WAITERS else SLOTS


def surroundings(site):
    """What programs read from their environment."""
    store = {"REDIS_SOCKET": str(site.redis_path)} if site.redis_path else {}
    return {"UPSTREAM_PORT": str(site.upstream_port), "PYTHONDONTWRITEBYTECODE": "1", **store}


class PhpFpm(Peer):
    """PHP-FPM: a static pool, and opcache that doesn't look for changed files. nginx does not keep
    connections to it, which is nginx's default: each kept one would hold a process of the pool."""

    protocol = "fastcgi"
    is_kept = False

    def __init__(self, site):
        is_root = os.geteuid() == 0
        user = "user = root\ngroup = root\n" if is_root else ""
        config = site.folder / "php-fpm.conf"
        config.write_text(
            f"[global]\nerror_log = /dev/stderr\nlog_level = warning\n[www]\n{user}"
            f"listen = {site.folder}/php.sock\nlisten.backlog = 4096\nlisten.mode = 0666\n"
            f"pm = static\npm.max_children = {slots(site)}\n")
        self.parameters = {"SCRIPT_FILENAME": HERE / "peer_php.php", **surroundings(site)}
        super().__init__(site.folder, "php", sorted(glob.glob(PHP_FPM))[-1], "--nodaemonize",
                         "--fpm-config", config, "-d", "opcache.enable=1", "-d",
                         "opcache.validate_timestamps=0",
                         *(["--allow-to-run-as-root"] if is_root else []))

    @staticmethod
    def missing():
        return missing(PHP_FPM, "/usr/lib/php/*/redis.so", "/usr/lib/php/*/curl.so")

    def location(self, name):
        """What nginx says of it: the parameters that nginx brings, and where the script is."""
        parameters = "".join(f'fastcgi_param {key} "{value}"; '
                             for key, value in self.parameters.items())
        return (f"location / {{ include /etc/nginx/fastcgi_params; {parameters}"
                f"fastcgi_pass {name}; }}")


class Falcon(HttpPeer):
    """Falcon under gunicorn: a worker for each processor, in which gevent's greenlets wait."""

    def __init__(self, site):
        super().__init__(
            site.folder, "falcon", "/usr/bin/python3", "/usr/bin/gunicorn", "--worker-class",
            "gevent", "--workers", site.processors, "--worker-connections", 4096, "--backlog", 4096,
            "--keep-alive", 75, "--log-level", "critical", "--bind", "unix:SOCKET", "--bind",
            "127.0.0.1:PORT", "--chdir", HERE, "peer_falcon:app", **surroundings(site))

    @staticmethod
    def missing():
        return missing("/usr/bin/gunicorn",
                       *(f"{DIST_PACKAGES}/{name}" for name in ("falcon", "gevent", "redis")))


class Puma(HttpPeer):
    """Puma in cluster mode: a process for each processor, loaded before they fork, with threads."""

    def __init__(self, site):
        threads = slots(site) // site.processors
        super().__init__(
            site.folder, "puma", "/usr/bin/puma", "--no-config", "--silent", "--environment",
            "production", "--workers", site.processors, "--threads", f"{threads}:{threads}",
            "--preload", "--bind", "unix://SOCKET?backlog=4096", "--bind",
            "tcp://127.0.0.1:PORT?backlog=4096", "--dir", site.folder, HERE / "peer_puma.ru",
            THREADS=str(threads), **surroundings(site))

    @staticmethod
    def missing():
        return missing("/usr/bin/puma", "/usr/share/rubygems-integration/*/specifications/redis-*",
                       "/usr/share/rubygems-integration/*/specifications/connection_pool-*")


class Kore(HttpPeer):
    """Kore: a worker for each processor, and room for all connections in each."""

    lacks = {"slow": "Debian's Kore is built without its HTTP client",
             "kvs": "Kore has no client for Redis"}
    routes = {"now": "get", "echo": "post", "rpc": "get"}

    def __init__(self, site):
        module = site.folder / "peer_kore.so"
        subprocess.run(["gcc", "-O2", "-fPIC", "-shared", "-o", module, HERE / "peer_kore.c"],
                       check=True)
        routes = "\n".join(f"route /api/evaluation/{name} {name}\n"
                           f"restrict /api/evaluation/{name} {method}"
                           for name, method in self.routes.items())
        # a domain belongs to one listener
        domains = "\n".join(f"domain * {{\nattach {name}\n{routes}\n}}"
                            for name in ("behind", "direct"))
        self.port = free_port()
        config = site.folder / "kore.conf"
        config.write_text(
            f"server behind {{\nunix {site.folder}/kore.sock\ntls no\n}}\n"
            f"server direct {{\nbind 127.0.0.1 {self.port}\ntls no\n}}\n"
            f"load {module}\nworkers {site.processors}\n"
            "worker_max_connections 8192\nworker_rlimit_nofiles 20000\n"
            "socket_backlog 4096\nhttp_request_limit 8192\nhttp_keepalive_time 75\n"
            "http_hsts_enable 0\n"
            f"pidfile {site.folder}/kore.pid\n{domains}\n")
        super().__init__(site.folder, "kore", "/usr/bin/kore", "-fnrq", "-c", config)

    @staticmethod
    def missing():
        return missing("/usr/bin/kore", "/usr/include/kore/kore.h")


class Cowboy(HttpPeer):
    """Cowboy on Erlang/OTP, whose scheduler takes all processors by itself."""

    def __init__(self, site):
        ebin = [path for name in COWBOY_PARTS
                for path in glob.glob(f"{COWBOY}/*/plugins/{name}-*/ebin")]
        subprocess.run(["erlc", "-o", site.folder, HERE / "peer_cowboy.erl"], check=True)
        super().__init__(
            site.folder, "cowboy", "/usr/bin/erl", "-noshell", "-noinput", "+K", "true", "+P",
            "1000000", "-pa", site.folder, *ebin, "-run", "peer_cowboy", "main", "SOCKET", "PORT",
            site.upstream_port, *filter(None, [site.redis_path]), HOME=str(site.folder))

    @staticmethod
    def missing():
        return missing(*(f"{COWBOY}/*/plugins/{name}-*" for name in COWBOY_PARTS),
                       *(f"{ERLANG_LIBRARIES}/{name}-*"
                         for name in ("inets", "jiffy", "redis_client")))


PLATFORMS = {"php": PhpFpm, "falcon": Falcon, "puma": Puma, "kore": Kore, "cowboy": Cowboy}
