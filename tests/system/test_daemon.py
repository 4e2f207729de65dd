# SPDX-License-Identifier: BSD-2-Clause
"""kontord in the background, as init scripts start it."""

import os
import signal
import subprocess

from fastcgi import Client, wait_until
from kontor import ENVIRONMENT, KONTORD, START_TIMEOUT, is_alive
from ports import free_port


def launch(kontor, *arguments):
    """Run kontord to the end of its foreground part."""
    with open(kontor.log_path, "ab") as log:
        return subprocess.run([str(KONTORD), "-c", str(kontor.config), *arguments],
                              stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                              timeout=START_TIMEOUT, env=ENVIRONMENT, check=False)


def test_daemon(make_kontor):
    """Without systemd kontor could not be started in the background, or not be stopped."""
    kontor = make_kontor(start=False)
    pid_file = kontor.run_dir / "kontord.pid"
    assert launch(kontor).returncode == 0, kontor.log()
    # When the command returns it is ready, so that a script can go on.
    pid = int(pid_file.read_text())
    try:
        with kontor.client() as client:
            assert client.get("/ping").status == 200
        assert os.getpgid(pid) != os.getpgid(0)
        assert os.getsid(pid) != os.getsid(0)
        workers = kontor.workers()
        assert workers
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), 30, "the daemon has ended")
    assert not any(is_alive(worker) for worker in workers)
    assert not pid_file.exists()
    assert not os.path.exists(kontor.socket)


def test_start_fails_visibly(make_kontor):
    """A daemon that cannot start would look started."""
    kontor = make_kontor(start=False)
    kontor.write_config(listen=f"unix:{kontor.folder}/missing/kontor.sock")
    assert launch(kontor).returncode != 0
    assert "missing" in kontor.log()
    assert not (kontor.run_dir / "kontord.pid").exists()


def test_second_instance(kontor):
    """Started twice by mistake, the second would take the socket from the first."""
    result = launch(kontor, "-f")
    assert result.returncode != 0
    with kontor.client() as client:
        assert client.get("/ping").status == 200


def test_leftovers_of_a_crash(make_kontor):
    """After a power cut, or kill -9, somebody would have to clean up before kontor starts again."""
    kontor = make_kontor()
    worker = kontor.workers()[0]
    kontor.process.kill()
    kontor.process.wait()
    wait_until(lambda: not is_alive(worker), what="the worker has ended")
    kontor.process = None
    assert os.path.exists(kontor.socket)
    kontor.start()
    with kontor.client() as client:
        assert client.get("/ping").status == 200


def test_tcp(make_kontor):
    """A web server on another machine, or in a container, could not reach kontor."""
    kontor = make_kontor(start=False)
    port = free_port()
    kontor.write_config(listen=f"{kontor.settings['listen']} 127.0.0.1:{port}")
    kontor.start()
    with Client(("127.0.0.1", port)) as client:
        assert client.get("/api/evaluation/now").status == 200


def test_socket_mode(make_kontor):
    """The web server could not reach the socket, or everybody could and claim to be anybody."""
    kontor = make_kontor(settings={"socket_mode": "0640"})
    assert os.stat(kontor.socket).st_mode & 0o777 == 0o640
