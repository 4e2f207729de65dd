# SPDX-License-Identifier: BSD-2-Clause
"""What the system tests get from pytest: a folder, kontord, web servers; all gone afterwards."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import kontor as library
import frontend


@pytest.fixture(scope="session")
def plugin_dir():
    folder = library.temporary_folder()
    yield library.collect_plugins(folder / "plugins")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def program():
    """A kontord that web servers can start."""
    folder = library.temporary_folder()
    yield library.collect_program(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def browser():
    """A browser without a window; pages that need it in another way have their own."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                 "--disable-background-networking", "--window-size=1280,1600"):
        options.add_argument(flag)
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    yield driver
    driver.quit()


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
def make_frontend(folder, program):
    """A function that starts a web server: make_frontend("nginx", kontor, mount=…, keep=…).

    With "fcgid" kontor is started by the web server: give one that is not (start=False).
    """
    started = []
    servers = {"nginx": frontend.Nginx, "apache": frontend.Apache, "fcgid": frontend.Fcgid,
               "lighttpd": frontend.Lighttpd, "caddy": frontend.Caddy,
               "haproxy": frontend.Haproxy}

    def make(kind, instance, **options):
        backend = instance.write_starter(program) if kind == "fcgid" else instance.socket
        started.append(servers[kind](folder / f"{kind}{len(started)}", backend, **options))
        return started[-1]

    yield make
    for server in started:
        server.stop()
        print(server.log())


@pytest.fixture
def nginx(make_frontend, kontor):
    return make_frontend("nginx", kontor)
