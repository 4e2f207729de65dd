# SPDX-License-Identifier: BSD-2-Clause
"""Pages of the web server that a plugin of kontor's guards (role authorizer)."""

import pytest
import requests

import fastcgi
from ports import free_port

SECRET = "the secret page"

LIGHTTPD = """
server.modules += ( "mod_setenv" )
$HTTP["url"] =~ "^/private/" {{
    fastcgi.server = ( "/" => ((
        "socket" => "{socket}",
        "mode" => "authorizer",
        "docroot" => "{pages}",
        "check-local" => "disable",
    )) )
}}
"""

# Apache knows authorizers that say who somebody is; the name is a variable from kontor.
APACHE = """
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule authnz_fcgi_module /usr/lib/apache2/modules/mod_authnz_fcgi.so
AuthnzFcgiDefineProvider authn kontor fcgi://127.0.0.1:{port}/
Alias "/private/" "{pages}/private/"
<Location "/private/">
    AuthType Basic
    AuthName "kontor"
    AuthnzFcgiCheckAuthnProvider kontor Authoritative On RequireBasicAuth Off UserExpr "%{{reqenv:KONTOR_GUARD}}"
    Require user 127.0.0.1
</Location>
"""

FCGID = """
Alias "/private/" "{pages}/private/"
<Directory "{pages}/private">
    FcgidAccessChecker {starter}
    Require all granted
</Directory>
"""


@pytest.fixture
def pages(folder):
    """A folder with one page, which the web server would serve to everybody."""
    path = folder / "pages/private"
    path.mkdir(parents=True)
    (path / "page.html").write_text(SECRET)
    return folder / "pages"


@pytest.mark.parametrize("server", ["lighttpd", "apache", "fcgid"])
@pytest.mark.parametrize("visitors, status", [("192.0.2.7 127.0.0.1", 200), ("192.0.2.7", 403)])
def test_guarded_page(make_kontor, make_frontend, program, pages, server, visitors, status):
    """Everybody could see a page that kontor guards, or nobody."""
    port = free_port()
    kontor = make_kontor(start=server != "fcgid",
                         sections={"skeleton": {"visitors": visitors}})
    if server == "apache":
        kontor.write_config(listen=f"unix:{kontor.socket} 127.0.0.1:{port}")
        assert kontor.control("reload").returncode == 0
    extra = {"lighttpd": LIGHTTPD, "apache": APACHE, "fcgid": FCGID}[server].format(
        socket=kontor.socket, pages=pages, port=port,
        starter=kontor.write_starter(program) if server == "fcgid" else "")
    site = make_frontend(server, kontor, extra=extra)
    for path in ("/private/page.html", "//private/page.html", "/private/./page.html",
                 "/%70rivate/page.html"):
        answer = requests.Session().send(requests.Request("GET", site.url + path).prepare())
        assert (SECRET in answer.text) == (status == 200), path
        # Apache's modules make an answer of their own of a denial.
        assert answer.status_code == status or (server != "lighttpd" and status == 403 and
                                                answer.status_code == 401), path


def test_nobody_decides(make_kontor, make_frontend, pages):
    """A page that is guarded by a plugin which is not there would be open."""
    kontor = make_kontor(plugins=["evaluation"])
    site = make_frontend("lighttpd", kontor,
                         extra=LIGHTTPD.format(socket=kontor.socket, pages=pages))
    answer = requests.get(f"{site.url}/private/page.html")
    assert answer.status_code == 403
    assert "No plugin" in answer.json()["detail"]
    kontor.stop()
    answer = requests.get(f"{site.url}/private/page.html")
    assert answer.status_code >= 400
    assert SECRET not in answer.text


def test_answer_of_an_authorizer(kontor):
    """Web servers would not learn who was let in, or take a page's path for a script's."""
    values = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/private/page.html?x",
              "REMOTE_ADDR": "127.0.0.1"}
    with kontor.client() as client:
        for address, status in (("127.0.0.1", 200), ("192.0.2.1", 403)):
            client.begin(role=fastcgi.AUTHORIZER)
            client.send(fastcgi.stream(fastcgi.PARAMS, 1, fastcgi.pairs(
                {**values, "REMOTE_ADDR": address})))
            answer = client.read_response()  # no STDIN was sent
            assert answer.status == status
            assert answer.headers.get("variable-kontor_guard") == \
                (address if status == 200 else None)
