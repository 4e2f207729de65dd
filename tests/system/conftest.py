# SPDX-License-Identifier: BSD-2-Clause
"""What the system tests get from pytest: a folder, kontord, web servers; all gone afterwards."""

import shutil

import pytest

import kontor as library
from frontend import Apache, Nginx


@pytest.fixture(scope="session")
def plugin_dir():
    folder = library.temporary_folder()
    yield library.collect_plugins(folder / "plugins")
    shutil.rmtree(folder)


@pytest.fixture
def folder():
    folder = library.temporary_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_kontor(folder, plugin_dir):
    """A function that starts a kontord; all are stopped and their logs checked at the end."""
    started = []

    def make(start=True, **options):
        home = folder / f"kontor{len(started)}"
        home.mkdir(mode=0o755)
        instance = library.Kontor(home, plugin_dir, **options)
        started.append(instance)
        return instance.start() if start else instance

    yield make
    for instance in started:
        print(instance.log())
    for instance in started:
        instance.stop()


@pytest.fixture
def kontor(make_kontor):
    """A kontord with one worker and the two plugins that need no configuration."""
    return make_kontor()


@pytest.fixture
def make_frontend(folder):
    """A function that starts a web server: make_frontend("nginx", kontor, mount=…, keep=…)."""
    started = []

    def make(kind, instance, **options):
        server = {"nginx": Nginx, "apache": Apache}[kind]
        started.append(server(folder / f"{kind}{len(started)}", instance.socket, **options))
        return started[-1]

    yield make
    for server in started:
        server.stop()
        print(server.log())


@pytest.fixture
def nginx(make_frontend, kontor):
    return make_frontend("nginx", kontor)
