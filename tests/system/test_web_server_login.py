# SPDX-License-Identifier: BSD-2-Clause
"""A web server that signs people in, as the snippets of examples/ have it: whom kontor believes, and what
the links of mails reach without a login."""

import re

import pytest
import requests

from frontend import nginx_snippets
from kontor import ROOT
from mail_server import MailServer
from mailers import PUBLIC, link_in, stopping
from test_sign_in import ADA, make_house  # pylint: disable=unused-import

PASSWORDS = "ada@example.org:{PLAIN}secret\n"
# What `htpasswd -nbs ada@example.org secret` writes.
SHA_PASSWORDS = "ada@example.org:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"
NGINX = ('auth_basic "kontor"; auth_basic_user_file %s; set $kontor_user $remote_user;\n')
APACHE = """
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
<Location "/">
    AuthType Basic
    AuthName kontor
    AuthUserFile %s
    Require valid-user
</Location>
"""


@pytest.fixture
def server():
    with stopping(MailServer()) as started:
        yield started


@pytest.fixture
def house(make_house, server):  # pylint: disable=redefined-outer-name
    return make_house(server)


@pytest.fixture
def passwords(folder):
    path = folder / "passwords"
    path.touch()
    return path


@pytest.fixture(params=["nginx", "apache"])
def site(request, house, make_frontend, passwords):
    """Where kontor is, behind a login for all of it."""
    if request.param == "apache":
        passwords.write_text(SHA_PASSWORDS)
        return make_frontend("apache", house, extra=APACHE % passwords).url
    passwords.write_text(PASSWORDS)
    upstream, locations = nginx_snippets(house.socket, ROOT / "www")
    return make_frontend("nginx", house, snippets=(upstream, NGINX % passwords + locations)).url


def test_a_name_that_nobody_has_checked(make_frontend, house):
    """Anybody could be anybody, by a line in the request, where the web server signs nobody in."""
    for kind in ("nginx", "apache", "lighttpd", "caddy"):
        url = make_frontend(kind, house).url
        me = requests.get(f"{url}/api/calendar/me", auth=(ADA, "whatever"), timeout=20).json()
        assert me["user"] is None, kind
        answer = requests.get(f"{url}/api/mailer/settings", auth=(ADA, "whatever"), timeout=20)
        assert answer.status_code == 401, kind


def test_a_login(site):
    """Who has signed in at the web server would be nobody, or would be let in with any password."""
    me = requests.get(f"{site}/api/calendar/me", auth=(ADA, "secret"), timeout=20).json()
    assert (me["user"], me["signed_in_by"]) == (ADA, "web server")
    assert requests.get(f"{site}/api/calendar/me", auth=(ADA, "wrong"), timeout=20).status_code == 401


def test_what_is_protected(site):
    """The rest of the site would stand open, too."""
    for path in ("", "index.html", "api/calendar/me", "api/calendar/week", "api/calendar/connections",
                 "api/mailer/settings", "api/mailer/preview", "api/mailer/send", "mailer/", "status",
                 "api/calendar/sign-in/other", "api/mailer/verify/x", "api/calendar/sign-out"):
        assert requests.get(f"{site}/{path}", timeout=20).status_code == 401, path


def test_links_of_mails(site, server):
    """Mail programs could unsubscribe nobody, and links would end at a login."""
    ada = (ADA, "secret")
    answer = requests.post(f"{site}/api/mailer/settings", json={"on": True, "address": ADA}, auth=ada,
                           timeout=20)
    assert answer.status_code == 200, answer.text
    link = link_in(server.wait(1)[0], "/verify").replace(PUBLIC, site)
    assert requests.get(link, timeout=20).status_code == 200
    assert requests.post(link, timeout=20).status_code == 200
    preview = requests.get(f"{site}/api/mailer/preview", auth=ada, timeout=20).text
    link = re.search(r'https://[^"]*/unsubscribe\?token=[^"]*', preview)[0].replace(PUBLIC, site)
    assert requests.get(link, timeout=20).status_code == 200
    assert requests.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=20).status_code == 200
    assert requests.get(f"{site}/api/mailer/settings", auth=ada, timeout=20).json()["on"] is False
    assert requests.post(f"{site}/api/mailer/unsubscribe?token=x", timeout=20).status_code == 400


def test_links_to_sign_in(site):
    """The page that a link leads to would ask for a password that nobody has."""
    for path in ("sign-in/", "sign-in/sign-in.js", "sign-in/sign-in.css", "kontor.css"):
        assert requests.get(f"{site}/{path}", timeout=20).status_code == 200, path
    answer = requests.post(f"{site}/api/calendar/sign-in/confirm", json={"token": "x"}, timeout=20)
    assert answer.status_code == 410, answer.text
    assert requests.post(f"{site}/api/calendar/sign-in", json={"address": "x"},
                         timeout=20).status_code == 422
