# SPDX-License-Identifier: BSD-2-Clause
"""What a reader of saved figures must know of the machine: processors, memory, versions. No dates
and no names, so that the same machine gives the same text."""

import os
import pathlib
import platform
import re
import subprocess

# Program: the command that says its version, which is the first number with a dot or its only line.
VERSIONS = {
    "nginx": ("/usr/sbin/nginx", "-v"),
    "wrk": ("wrk", "-v"),
    "node": ("/usr/bin/node", "--version"),
    "erlang": ("erl", "-noshell", "-eval",
               'io:put_chars(erlang:system_info(otp_release)), halt().'),
    "elixir": ("dpkg-query", "-W", "-f=${Version}", "elixir"),
    "redis": ("/usr/bin/redis-server", "--version"),
    "libfcgi": ("dpkg-query", "-W", "-f=${Version}", "libfcgi-dev"),
    "php": ("php", "-r", "echo PHP_VERSION;"),
    **{name: ("dpkg-query", "-W", "-f=${Version}", package)
       for name, package in (("postfix", "postfix"), ("falcon", "python3-falcon"),
                             ("gunicorn", "gunicorn"), ("puma", "puma"), ("kore", "kore"))},
    "compiler": ("gcc", "-dumpfullversion"),
}


def facts():
    """{"processors": …, "memory_gb": …, "system": …, "versions": {…}}"""
    return {"processors": len(os.sched_getaffinity(0)), "processor": processor(),
            "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9),
            "system": f"{distribution()}, {platform.system()} {kernel()}, {platform.machine()}",
            "versions": {name: version(command) for name, command in VERSIONS.items()}}


def processor():
    text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def distribution():
    return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")


def kernel():
    return ".".join(platform.release().split(".")[:2])


def version(command):
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False)
    except FileNotFoundError:
        return None
    found = re.search(r"\d+(\.\d+)*", result.stdout)
    return found.group(0) if found else None
