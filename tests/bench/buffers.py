# SPDX-License-Identifier: BSD-2-Clause
"""What nginx's larger buffers cost small answers: the same kontor behind two servers of one nginx, of
which one has the buffers of examples/nginx, and one half of them. The larger ones are there for
downloads."""

import web
from systems import SYSTEMS, fastcgi_location

# What the example says, and what the other server has instead.
LARGE, SMALL = "64k", "32k"


class SmallBuffers:
    """The same kontor with the other buffers; nothing of its own is started."""

    protocol = "fastcgi"
    is_kept = True

    def __init__(self, site):
        self.ours = site.systems["kontor"]
        self.server = self.ours.server

    @staticmethod
    def location(name):
        """That of the example, with the other buffers."""
        text = fastcgi_location(name)
        if f" {LARGE};" not in text:
            raise RuntimeError(f"the example's buffers are no longer {LARGE}")
        return text.replace(f" {LARGE};", f" {SMALL};")

    def pids(self):
        return self.ours.pids()

    def stop(self):
        pass


def names():
    """The benchmarks: buffers_64 and so on."""
    return [f"buffers_{connections}" for connections in web.CONNECTIONS]


def run(name, options, emit):
    """Measure one of names()."""
    systems = {"kontor": SYSTEMS["kontor"], "small-buffers": SmallBuffers}
    with web.Site("now", int(name.split("_")[1]), systems) as site:
        for system in site.names:
            site.run(system, options.warmup_seconds)
        web.measure(site, name, options.rounds, options.seconds, emit)
