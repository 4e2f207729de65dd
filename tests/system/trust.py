# SPDX-License-Identifier: BSD-2-Clause
"""Servers with TLS whose certificate a kontord trusts, and nobody else on this machine.

libcurl reads the system's list of authorities, and no environment changes that. So kontord is
started where another file lies in its place: in a mount namespace of its own.
"""

import os
import shlex
import ssl
import subprocess

import pytest

import kontor as library

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def make_certificate(folder, *addresses):
    """A certificate that is its own authority, and what serves with it."""
    key, certificate = folder / "tls.key", folder / "tls.crt"
    names = ",".join(f"IP:{address}" for address in addresses)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=kontor test", "-addext", f"subjectAltName={names}",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    certificate.chmod(0o644)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def trust(monkeypatch, folder, certificate):
    """Let each kontord that is started from now on trust this certificate alone."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount",
                                                                 "--map-root-user"]
    mount = f"mount --bind {shlex.quote(str(certificate))} {AUTHORITIES}"
    if not os.path.exists(AUTHORITIES) or subprocess.run(
            [*unshare, "sh", "-c", mount], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespace can be made here")
    starter = folder / "trusting-kontord"
    starter.write_text(f"#!/bin/sh\nexec {' '.join(unshare)} sh -c "
                       f"'{mount} && exec \"$@\"' sh {library.KONTORD} \"$@\"\n")
    starter.chmod(0o755)
    monkeypatch.setattr(library, "KONTORD", starter)
