# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the observer share: kontors that are observed, and asking them."""

import json
import time

import pytest

from mail_server import MailServer
from mailers import stopping
from test_mailer import make_mailer  # pylint: disable=unused-import
from test_mailer_real_clock import due_since_this_hour

LOCAL = {"REMOTE_ADDR": "127.0.0.1"}
WAIT_SECONDS = 30
BOB = {"REMOTE_USER": "bob"}


@pytest.fixture
def kontor(make_kontor):
    """Two workers; bob, who is on this machine, may look and end processes."""
    return make_kontor(plugins=("observer", "evaluation", "skeleton"), settings={"workers": "2"},
                       sections={"observer": {"killers": "bob"}})


def ask(kontor, path, method="GET", body=None, **others):
    with kontor.client() as client:
        data = b"" if body is None else json.dumps(body).encode()
        if data:
            others["CONTENT_TYPE"] = "application/json"
        client.start(path, body=data, method=method, keep=False, **{**LOCAL, **others})
        return client.read_response()


def workers(kontor):
    return json.loads(ask(kontor, "/api/observer/").body)["workers"]


def find(kontor, search):
    answer = ask(kontor, "/api/observer/processes", QUERY_STRING=f"search={search}&sort=label")
    return [dict(process, observer=worker["observer"])
            for worker in json.loads(answer.body)["workers"] for process in worker["processes"]]


def connections(kontor, **others):
    """What each worker says of its connections, in the order of their numbers."""
    found = json.loads(ask(kontor, "/api/observer/connections", **others).body)["workers"]
    return sorted(found, key=lambda worker: worker["worker"])


@pytest.fixture
def mailer(make_mailer):
    """Two workers with the mailers of 13 people, 3 of whom get their mail at once. Besides, when the
    others wake, in seconds since 1970."""
    noon = (int(time.time()) // 86400 + 1) * 86400 + 12 * 3600  # tomorrow, UTC
    people = {f"user{number}": {"zone": "UTC", "day": time.gmtime(noon).tm_wday, "hour": 12,
                                "since": int(time.time())} for number in range(10)}
    people |= {f"late{number}": due_since_this_hour() for number in range(3)}
    with stopping(MailServer()) as server:
        yield make_mailer(server, people, plugins=("calendar", "mailer", "observer"),
                          settings={"workers": "2"}, sections={"observer": {"killers": "bob"}}), noon


def mailers(kontor):
    return json.loads(ask(kontor, "/api/observer/mailers").body)["workers"]
