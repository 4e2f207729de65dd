# SPDX-License-Identifier: BSD-2-Clause
"""Private web servers in front of kontor, each on a free port of the loopback.

They use the snippets of examples/ as an administrator would, with other paths filled in, so that
what is installed as documentation is what was tested. Know nothing of kontor's inside.
"""

import http.client
import os
import pathlib
import shutil
import signal
import socket
import subprocess

from fastcgi import wait_until
from ports import free_port

ROOT = pathlib.Path(os.environ.get("KONTOR_SOURCE", pathlib.Path(__file__).parents[2])).resolve()
EXAMPLES = ROOT / "examples"

# How long a web server may take to start or stop, in seconds.
START_TIMEOUT = 20

NGINX = """
{user}
worker_processes {workers};
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections {connections}; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {upstream}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        server_name localhost;
        {locations}
    }}
}}
"""

APACHE = """
ServerRoot "{folder}"
ServerName localhost
Listen 127.0.0.1:{port}
PidFile "{folder}/apache.pid"
ErrorLog "{folder}/error.log"
LogLevel warn
DefaultRuntimeDir "{folder}"
{modules}
{user}
TypesConfig /etc/mime.types
KeepAlive On
MaxKeepAliveRequests 0
StartServers 1
ServerLimit 2
ThreadsPerChild 64
MaxRequestWorkers 128
<Directory "/">
    Require all denied
</Directory>
{snippet}
"""

APACHE_MODULES = "mpm_event authz_core mime dir alias setenvif env proxy proxy_fcgi".split()
FCGID_MODULES = "mpm_event authz_core mime dir alias fcgid".split()

LIGHTTPD = """
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{folder}"
server.errorlog = "{folder}/error.log"
server.upload-dirs = ( "{folder}" )
server.feature-flags += ( "server.graceful-shutdown-timeout" => 1 )
mimetype.assign = ( ".html" => "text/html", ".js" => "text/javascript", ".css" => "text/css" )
{snippet}
{extra}
"""

HAPROXY = """
global
    maxconn 2000
defaults
    mode http
    timeout connect 10s
    timeout client 65s
    timeout server 65s
frontend site
    bind 127.0.0.1:{port}
    default_backend kontor
{snippet}
"""


class Frontend:
    """A running web server; those below say how it is configured and started."""

    def __init__(self, folder, command, port):
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=open(folder / "output.log", "wb"),
                                        stderr=subprocess.STDOUT,
                                        env=dict(os.environ, HOME=str(folder)))
        try:
            wait_until(self.answers, START_TIMEOUT, "the web server answers")
        except BaseException:
            self.stop()
            raise

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("the web server ended: " + self.log())
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def log(self):
        return "".join(path.read_text(errors="replace")
                       for path in sorted(self.folder.glob("*.log")))

    def connect(self, timeout=30):
        """A connection that is kept open between requests."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(START_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def nginx_snippets(socket_path, www, mount="", keep=True):
    """The two nginx snippets of examples/ with our own paths: (http block, server block)."""
    upstream = (EXAMPLES / "nginx/upstream.conf").read_text()
    locations = (EXAMPLES / "nginx/kontor.conf").read_text()
    upstream = upstream.replace("/run/kontor/kontor.sock", str(socket_path))
    locations = locations.replace("/usr/share/kontor/www", str(www))
    if mount:
        locations = locations.replace("location /", f"location {mount}/")
        locations = locations.replace("(?<kontor_mount>)", f"(?<kontor_mount>{mount})")
    if not keep:
        locations = locations.replace("fastcgi_keep_conn on;", "fastcgi_keep_conn off;")
        upstream = upstream.replace("keepalive 64;", "")
    return upstream, locations


class Nginx(Frontend):
    """nginx in front of the socket at `socket_path`, or with snippets of one's own."""

    def __init__(self, folder, socket_path=None, www=ROOT / "www", mount="", keep=True,
                 snippets=None, workers=1, connections=4096):
        folder.mkdir(parents=True, exist_ok=True)
        upstream, locations = snippets or nginx_snippets(socket_path, www, mount, keep)
        port = free_port()
        (folder / "nginx.conf").write_text(NGINX.format(
            folder=folder, port=port, upstream=upstream, locations=locations, workers=workers,
            connections=connections, files=2 * connections + 64,
            user="user root;" if os.geteuid() == 0 else ""))
        super().__init__(folder, ["/usr/sbin/nginx", "-p", str(folder), "-c",
                                  str(folder / "nginx.conf"), "-e", str(folder / "error.log"),
                                  "-g", "daemon off;"], port)


def apache_command(folder, port, modules, snippet):
    """Write a configuration of Apache, and say how to start it."""
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
                        for name in modules)
    # Apache refuses to run as root; its children then need to reach socket and pages, wherever
    # the source tree lies.
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    (folder / "apache.conf").write_text(APACHE.format(
        folder=folder, port=port, modules=modules, user=user, snippet=snippet))
    return ["/usr/sbin/apache2", "-f", str(folder / "apache.conf"), "-DFOREGROUND"]


class Apache(Frontend):
    """Apache with mod_proxy_fcgi in front of the socket at `socket_path`."""

    def __init__(self, folder, socket_path, www=ROOT / "www", mount="", keep=True, extra=""):
        folder.mkdir(parents=True, exist_ok=True)
        pages = shutil.copytree(www, folder / "www")
        snippet = (f"Define KONTOR_SOCKET {socket_path}\nDefine KONTOR_WWW {pages}\n" +
                   (f"Define KONTOR_PLACE {mount}/\n" if mount else "") +
                   (EXAMPLES / "apache/kontor.conf").read_text())
        if keep:
            snippet = snippet.replace("enablereuse=off", "enablereuse=on")
        port = free_port()
        command = apache_command(folder, port, APACHE_MODULES, extra + snippet)
        super().__init__(folder, command, port)


class Fcgid(Frontend):
    """Apache with mod_fcgid, which starts `program` itself, with the socket on descriptor 0."""

    def __init__(self, folder, program, www=ROOT / "www", mount="", extra=""):
        folder.mkdir(parents=True, exist_ok=True)
        pages = shutil.copytree(www, folder / "www")
        (folder / "fcgid").mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder / "fcgid", "www-data", "www-data")
        snippet = (f"Define KONTOR_PROGRAM {program}\nDefine KONTOR_WWW {pages}\n" +
                   (f"Define KONTOR_PLACE {mount}/\n" if mount else "") +
                   f"FcgidIPCDir {folder}/fcgid\nFcgidProcessTableFile {folder}/fcgid.table\n" +
                   f"FcgidInitialEnv TMPDIR {folder}/fcgid\n" +
                   (EXAMPLES / "apache/kontor-fcgid.conf").read_text())
        port = free_port()
        command = apache_command(folder, port, FCGID_MODULES, extra + snippet)
        super().__init__(folder, command, port)


class Lighttpd(Frontend):
    """lighttpd with mod_fastcgi."""

    def __init__(self, folder, socket_path, www=ROOT / "www", mount="", extra=""):
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        snippet = (EXAMPLES / "lighttpd/kontor.conf").read_text()
        snippet = snippet.replace("/run/kontor/kontor.sock", str(socket_path))
        snippet = snippet.replace("/usr/share/kontor/www", str(www))
        if mount:
            snippet = snippet.replace('kontor_place = ""', f'kontor_place = "{mount}"')
            snippet = snippet.replace('( "/" =>', f'( "{mount}" =>', 1)
        (folder / "lighttpd.conf").write_text(LIGHTTPD.format(
            folder=folder, port=port, snippet=snippet, extra=extra))
        super().__init__(folder, ["/usr/sbin/lighttpd", "-D", "-f", str(folder / "lighttpd.conf")],
                         port)


class Caddy(Frontend):
    """Caddy with its FastCGI transport."""

    def __init__(self, folder, socket_path, www=ROOT / "www", mount=""):
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        snippet = (EXAMPLES / "caddy/Caddyfile").read_text()
        snippet = snippet.replace("/run/kontor/kontor.sock", str(socket_path))
        snippet = snippet.replace("/usr/share/kontor/www", str(www))
        if mount:
            snippet = snippet.replace('split ""', f'split ""\nenv SCRIPT_NAME {mount}')
            snippet = snippet.replace(":80 {", ":80 {\nhandle_path " + mount + "/* {") + "}\n"
        snippet = snippet.replace(":80 {", f"http://127.0.0.1:{port} {{")
        (folder / "Caddyfile").write_text("{\nadmin off\nauto_https off\ngrace_period 1s\n}\n" + snippet)
        super().__init__(folder, ["/usr/bin/caddy", "run", "--config", str(folder / "Caddyfile"),
                                  "--adapter", "caddyfile"], port)


class Haproxy(Frontend):
    """HAProxy, with several requests on one connection unless told otherwise; serves no pages."""

    def __init__(self, folder, socket_path, mount="", multiplexed=True):
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        snippet = (EXAMPLES / "haproxy/haproxy.cfg").read_text()
        snippet = snippet.replace("/run/kontor/kontor.sock", str(socket_path))
        if mount:
            snippet = snippet.replace("#path-info ^(/tools/kontor)", f"path-info ^({mount})")
        if not multiplexed:
            snippet = snippet.replace("option mpxs-conns", "").replace("option get-values", "")
        (folder / "haproxy.cfg").write_text(HAPROXY.format(port=port, snippet=snippet))
        super().__init__(folder, ["/usr/sbin/haproxy", "-db", "-f", str(folder / "haproxy.cfg")],
                         port)
