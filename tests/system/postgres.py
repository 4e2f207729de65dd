# SPDX-License-Identifier: BSD-2-Clause
"""A real PostgreSQL in a folder of its own, reached by a socket in it, run by an unprivileged user."""
import os
import pathlib
import shutil
import subprocess

# PostgreSQL refuses to run as root; Debian's package has made this user.
USER = "postgres" if os.geteuid() == 0 else None
TIMEOUT = 60
SETTINGS = "-c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=20"


def programs():
    """Debian keeps them outside of PATH; the newest version's."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else pathlib.Path(shutil.which("initdb")).parent


class Postgres:
    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.programs = programs()
        folder.mkdir(mode=0o755)
        if USER:
            shutil.chown(folder, USER)
        self.run("initdb", "--auth=trust", "--username=owner", "--encoding=UTF8", "--locale=C.UTF-8",
                 "--no-sync", self.data)
        self.start()

    def run(self, program, *arguments, **options):
        done = subprocess.run([self.programs / program, *arguments], user=USER, cwd=self.folder,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=TIMEOUT, **options)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def control(self, *words):
        return self.run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", *words)

    def start(self):
        self.control("-o", f"-k {self.folder} {SETTINGS}", "start")

    def stop(self):
        """At once, as if somebody had pulled the plug."""
        if (self.data / "postmaster.pid").exists():
            self.control("-m", "immediate", "stop")

    def execute(self, sql, database="postgres"):
        """As the owner of all. The rows as lines of text."""
        return self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "owner",
                        "-c", sql, database).splitlines()

    def address(self, role="reporter", password="", database="postgres"):
        return f"postgresql://{role}{password and ':' + password}@/{database}?host={self.folder}"
