# SPDX-License-Identifier: BSD-2-Clause
"""Large bodies towards kontor."""

import json

import pytest
import requests

MEBIBYTE = 1 << 20


@pytest.mark.parametrize("server", ["nginx", "apache"])
def test_ten_megabytes_up(kontor, make_frontend, server):
    """Uploads of more than a few kilobytes would arrive cut or not at all."""
    site = make_frontend(server, kontor).url
    body = bytes(range(256)) * (10 * MEBIBYTE // 256)
    total = 0
    for byte in range(256):  # the checksum of one block, as the handler computes it
        total = (total * 31 + byte) % 4294967291
    block, power = total, pow(31, 256, 4294967291)
    total = 0
    for _ in range(len(body) // 256):
        total = (total * power + block) % 4294967291
    answer = requests.post(f"{site}/api/skeleton/fcgx", data=body)
    assert answer.status_code == 200
    assert f"length {len(body)}\n" in answer.text
    assert f"sum {total}\n" in answer.text


@pytest.mark.parametrize("server", ["nginx", "apache"])
def test_chunked_upload(kontor, make_frontend, server):
    """A client that streams without telling a length would lose its body."""
    site = make_frontend(server, kontor).url
    body = json.dumps({"list": list(range(20000))}).encode()
    parts = (body[i:i + 7000] for i in range(0, len(body), 7000))
    answer = requests.post(f"{site}/api/evaluation/echo", data=parts,
                           headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
    assert answer.json() == json.loads(body)


def test_body_over_the_limit(make_kontor, make_frontend):
    """One upload could fill a worker's memory, or the client would see a broken connection."""
    kontor = make_kontor(settings={"body_max": "64K"})
    site = make_frontend("nginx", kontor).url
    url = f"{site}/api/evaluation/echo"
    headers = {"Content-Type": "application/json"}
    assert requests.post(url, data=b'"' + b"x" * 60000 + b'"', headers=headers).status_code == 200
    answer = requests.post(url, data=b'"' + b"x" * 5 * MEBIBYTE + b'"', headers=headers)
    assert answer.status_code == 413
    assert requests.post(url, data=b"1", headers=headers).status_code == 200
