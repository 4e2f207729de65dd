# SPDX-License-Identifier: BSD-2-Clause
"""The real kontord on a temporary folder, from the build tree that KONTOR_BUILD names.

Knows how to configure, start, ask and stop it, and what must never be in its log; the web servers
in front are frontend.py's, the protocol is fastcgi.py's.
"""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from fastcgi import Client, Closed, wait_until

ROOT = pathlib.Path(os.environ.get("KONTOR_SOURCE", pathlib.Path(__file__).parents[2])).resolve()
BUILD = pathlib.Path(os.environ.get("KONTOR_BUILD", ROOT / "build")).resolve()
KONTORD = BUILD / "kontord"
KONTORCTL = BUILD / "kontorctl"
# The program itself: libtool's script needs an environment, and jobs have none to speak of. Its
# library is found since kontord's script says where, and jobs inherit that.
KONTOR_JOB = BUILD / ".libs/kontor-job"

# How long kontord may take to start or stop with sanitizers on a busy machine, in seconds.
START_TIMEOUT = 30
STOP_TIMEOUT = 30

# What a log must never contain, whatever was tested.
REPORTS = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error: |Assertion .* failed")

ENVIRONMENT = dict(
    os.environ,
    # A small quarantine, else freed memory looks like growth; leaks are looked for at the exit.
    ASAN_OPTIONS="quarantine_size_mb=4:detect_leaks=1:detect_stack_use_after_return=0",
    UBSAN_OPTIONS="print_stacktrace=1",
    LANG="C.UTF-8", TZ="UTC")


def is_sanitized():
    """Whether the build has sanitizers: then memory and speed are not what they are."""
    makefile = BUILD / "Makefile"
    return makefile.exists() and re.search("^KT_SANITIZE = .*-fsanitize", makefile.read_text(),
                                           re.MULTILINE)


def collect_plugins(folder):
    """Put all modules of the build tree into one folder, as an installation would."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for module in [*BUILD.glob("plugins/*/.libs/*.so"), *BUILD.glob("tests/plugins/*/.libs/*.so")]:
        shutil.copy(module, folder / module.name)
        os.chmod(folder / module.name, 0o644)
    return folder


def collect_program(folder):
    """Put kontord and its library where a web server's own user can start it, too."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for path in [BUILD / ".libs/kontord", *BUILD.glob(".libs/libkontor.so*")]:
        shutil.copy(path, folder / path.name)
        os.chmod(folder / path.name, 0o755)
    return folder / "kontord"


def temporary_folder():
    """A folder that a web server's own user can look into, too."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="kontor-test-"))
    os.chmod(folder, 0o755)
    return folder


class Kontor:
    """A kontord in the foreground. `settings` are keys of [kontor], `sections` the others."""

    def __init__(self, folder, plugin_dir, plugins=("evaluation", "skeleton"), settings=None,
                 sections=None):
        self.folder = folder
        self.socket = str(folder / "kontor.sock")
        self.run_dir = folder / "run"
        self.run_dir.mkdir(exist_ok=True)
        self.config = folder / "kontor.conf"
        self.log_path = folder / "kontor.log"
        self.process = None
        self.expects_reports = False  # a test that crashes something on purpose says so
        self.settings = {
            "listen": f"unix:{self.socket}", "socket_mode": "0666", "workers": "1",
            "plugins": " ".join(plugins), "plugin_dir": str(plugin_dir),
            "run_dir": str(self.run_dir), "log": "stderr", "log_level": "info",
            "request_log": "no", "job_runner": str(KONTOR_JOB), **(settings or {})}
        self.sections = sections or {}
        self.write_config()

    def write_starter(self, program):
        """A script that a web server can start, which becomes `program` with our configuration."""
        path = self.folder / "kontor.fcgi"
        settings = [f"{name}='{ENVIRONMENT[name]}'" for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS")]
        path.write_text("#!/bin/sh\n" +
                        f"export {' '.join(settings)} LD_LIBRARY_PATH={program.parent}\n" +
                        f"exec {program} -c {self.config} 2>>{self.log_path}\n")
        path.chmod(0o755)
        self.log_path.touch()
        self.log_path.chmod(0o666)
        return path

    def write_config(self, **changes):
        """Write the configuration, with some settings of [kontor] changed."""
        self.settings.update(changes)
        lines = []
        for name, keys in {"kontor": self.settings, **self.sections}.items():
            lines += [f"[{name}]", *(f"{key} = {value}" for key, value in keys.items()), ""]
        self.config.write_text("\n".join(lines))

    def start(self):
        """Start it and wait until it answers."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([str(KONTORD), "-c", str(self.config), "-f"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=ENVIRONMENT)
        wait_until(self.answers, START_TIMEOUT, "kontord answers")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"kontord ended with {self.process.returncode}:\n{self.log()}")
        try:
            with Client(self.socket) as client:
                return client.get("/ping", keep=False).status == 200
        except (OSError, Closed):
            return False

    def client(self):
        """A raw FastCGI connection."""
        return Client(self.socket)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, pattern, count=1, seconds=20):
        """Wait until the log has so many lines that match."""
        expression = re.compile(pattern)

        def lines():
            found = [line for line in self.log().splitlines() if expression.search(line)]
            return found if len(found) >= count else None
        return wait_until(lines, seconds, f"{count} × {pattern!r} in the log")

    def control(self, *arguments, seconds=START_TIMEOUT):
        """Run kontorctl on this instance."""
        return subprocess.run([str(KONTORCTL), "-c", str(self.config), *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds, env=ENVIRONMENT, check=False)

    def status(self):
        """What kontorctl status --json says."""
        result = self.control("status", "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def workers(self):
        """The pids of the workers that take requests."""
        return [worker["pid"] for worker in self.status()["workers"]
                if worker["state"] == "serving"]

    def requests(self, pid=None):
        """How many requests run now, in all workers or in one."""
        return sum(worker["requests"] for worker in self.status()["workers"]
                   if pid in (None, worker["pid"]))

    def wait_requests(self, count):
        """Wait until exactly so many requests run."""
        wait_until(lambda: self.requests() == count, 20, f"{count} requests")

    def processes(self):
        """How many lightweight processes live in all workers."""
        return sum(worker["processes"] for worker in self.status()["workers"])

    def wait_processes(self, count):
        """Wait until exactly so many lightweight processes live."""
        wait_until(lambda: self.processes() == count, 20, f"{count} processes")

    def children(self):
        """The pids of the OS processes that kontord has started."""
        return [int(entry.name) for entry in pathlib.Path("/proc").iterdir()
                if entry.name.isdigit() and parent(entry.name) == self.process.pid]

    def kill(self, pid):
        """Kill one of kontord's OS processes, or itself, without a word."""
        os.kill(pid, signal.SIGKILL)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ask it to end, wait for it, and look for what must not be in the log."""
        if self.process is not None:
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"kontord did not stop:\n{self.log()}") from None
            code, self.process = self.process.returncode, None
            assert code == 0, f"kontord ended with {code}:\n{self.log()}"
        if not self.expects_reports:
            assert not REPORTS.search(self.log()), self.log()


def resident_bytes(pid):
    """How much memory of an OS process is in RAM."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def parent(pid):
    """The parent of an OS process, None when it has ended."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None


def is_alive(pid):
    """Whether this OS process runs (a zombie does not)."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
