# SPDX-License-Identifier: BSD-2-Clause
"""The place of kontor when the web server does not tell it."""

import requests

from frontend import Nginx

# What administrators have: nginx' own parameters, which know no PATH_INFO.
LOCATION = """
location /tools/ {{
    include /etc/nginx/fastcgi_params;
    fastcgi_pass unix:{socket};
}}
"""


def test_mount_with_stock_parameters(make_kontor, folder):
    """An administrator with nginx' stock parameters would see 404 everywhere."""
    kontor = make_kontor(settings={"mount": "/tools"})
    nginx = Nginx(folder / "nginx", snippets=("", LOCATION.format(socket=kontor.socket)))
    try:
        assert requests.get(f"{nginx.url}/tools/ping").status_code == 200
        answer = requests.get(f"{nginx.url}/tools/api/skeleton/hello?name=Ada%20L")
        assert answer.status_code == 200
        assert answer.json()["name"] == "Ada L"
    finally:
        nginx.stop()
