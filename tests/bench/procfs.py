# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel knows of OS processes: descendants, processor time, memory."""

import os
import pathlib
import time

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid):
    """A process and all that descend from it."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = stat(int(entry))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def stat(pid):
    """The fields of /proc/PID/stat from the state on; none if it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def processor_seconds(pids):
    """User and system time that these processes have used. Of a process that has worked for less
    than a tick, as each of hundreds may, only the scheduler's own account of its threads tells; and
    only the ticks tell of threads that have ended."""
    return sum(max(tick_seconds(pid), scheduler_seconds(pid)) for pid in pids)


def tick_seconds(pid):
    fields = stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0


def scheduler_seconds(pid):
    """What the threads that there are have used; 0 if the kernel does not say."""
    total = 0
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(path.read_text(encoding="ascii").split()[0])
        except OSError:
            continue
    return total / 1e9


def busy_share(seconds):
    """How much of all processors was used during so many seconds: 0 to 1."""
    before = processor_ticks()
    time.sleep(seconds)
    total, idle = (after - began for after, began in zip(processor_ticks(), before))
    return 1 - idle / max(total, 1)


def processor_ticks():
    """(all, idle) since the start of the machine."""
    line = pathlib.Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    # user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of these.
    ticks = [int(field) for field in line.split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def memory_bytes(pids):
    """Memory in RAM; what several processes share counts once (PSS)."""
    total = 0
    for pid in pids:
        try:
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        total += sum(int(line.split()[1]) for line in lines.splitlines()
                     if line.startswith("Pss:"))
    return total * 1024


def peak_bytes(pid):
    """The most that a process ever had in RAM, with what it shares."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
