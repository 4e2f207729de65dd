# SPDX-License-Identifier: BSD-2-Clause
"""kontord -t: mistakes in the configuration, before they hurt."""

import subprocess

import pytest

from kontor import ENVIRONMENT, KONTORD

# What is wrong, and what the message must name: place, and words of the cause.
MISTAKES = {
    "not a number": ("workers = many", "workers", "many"),
    "out of range": ("workers = 100000", "workers", "100000"),
    "unknown option": ("wrokers = 2", "wrokers", "workers"),
    "no unit": ("request_timeout = 10", "request_timeout"),
    "not a choice": ("log = printer", "log", "stderr"),
    "not a boolean": ("request_log = maybe", "request_log", "maybe"),
    "not a mode": ("socket_mode = 9", "socket_mode"),
    "no such user": ("user = nobody-of-this-name", "nobody-of-this-name"),
    "no such plugin": ("plugins = evaluation nonsense", "nonsense"),
    "no value": ("workers", "workers"),
    "section of nobody": ("[nonsense]", "nonsense"),
    "plugin's option": ("[evaluation]\nrpc_time = soon", "rpc_time", "soon"),
    "plugin's unknown option": ("[evaluation]\nrpc_tmie = 1s", "rpc_tmie", "rpc_time"),
}


def check(config):
    return subprocess.run([str(KONTORD), "-t", "-c", str(config)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, env=ENVIRONMENT, check=False)


def test_good_configuration(make_kontor):
    """An administrator could not be sure before a restart."""
    kontor = make_kontor(start=False)
    result = check(kontor.config)
    assert result.returncode == 0, result.stderr
    assert not kontor.run_dir.joinpath("kontord.pid").exists()


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(make_kontor, name):
    """An administrator would have to guess which line is wrong, and how."""
    kontor = make_kontor(start=False)
    text, *words = MISTAKES[name]
    lines = kontor.config.read_text().splitlines()
    option = text.split("=")[0].strip()
    lines = [line for line in lines if line.split("=")[0].strip() != option]
    if text.startswith("["):
        lines += text.splitlines()
        at = len(lines)
        if "\n" not in text:
            at = lines.index(text) + 1
    else:
        lines.insert(1, text)
        at = 2
    kontor.config.write_text("\n".join(lines) + "\n")
    result = check(kontor.config)
    assert result.returncode != 0
    place = f"{kontor.config}:{at}: "
    line = next((line for line in result.stderr.splitlines() if place in line), "")
    assert line, result.stderr
    assert all(word in line for word in words), line


def test_all_mistakes_at_once(make_kontor):
    """Mistakes would come out one by one, a run each."""
    kontor = make_kontor(start=False)
    kontor.write_config(workers="many", body_max="huge")
    result = check(kontor.config)
    assert result.returncode != 0
    assert "many" in result.stderr and "huge" in result.stderr


def test_missing_file(folder):
    """A wrong path would start kontord with a configuration that nobody wrote."""
    result = check(folder / "nothing.conf")
    assert result.returncode != 0
    assert "nothing.conf" in result.stderr


def test_start_with_a_mistake(make_kontor):
    """kontord would run with half of its configuration."""
    kontor = make_kontor(start=False)
    kontor.write_config(workers="many")
    with pytest.raises(RuntimeError, match=r"kontor\.conf:\d+: .*many"):
        kontor.start()
    assert kontor.process.returncode != 0
    kontor.process = None


def test_drop_in_files(make_kontor):
    """Settings could not be added without editing the packaged file."""
    kontor = make_kontor(start=False, sections={"evaluation": {"rpc_time": "1ms"}})
    extra = kontor.folder / "conf.d"
    extra.mkdir()
    (extra / "10-mine.conf").write_text("[skeleton]\ngreeting = Salve\n")
    kontor.start()
    with kontor.client() as client:
        assert b'"Salve"' in client.get("/api/skeleton/hello").body
    (extra / "20-wrong.conf").write_text("[skeleton]\ngreetign = Salve\n")
    result = check(kontor.config)
    assert result.returncode != 0
    assert f"{extra}/20-wrong.conf:2: " in result.stderr


def test_help_and_version(plugin_dir, make_kontor):
    """Nobody would find out which options there are, or which version runs."""
    for arguments, words in ((["-h"], ["-c", "-t"]), (["-v"], ["kontor"])):
        result = subprocess.run([str(KONTORD), *arguments], capture_output=True, text=True,
                                stdin=subprocess.DEVNULL, env=ENVIRONMENT, check=False)
        assert result.returncode == 0
        assert all(word in result.stdout for word in words)
    kontor = make_kontor(start=False)
    result = subprocess.run([str(KONTORD), "-c", str(kontor.config), "-h", "evaluation"],
                            capture_output=True, text=True, stdin=subprocess.DEVNULL,
                            env=ENVIRONMENT, check=False)
    assert result.returncode == 0
    assert "rpc_time" in result.stdout


@pytest.mark.parametrize("arguments", [["-z"], ["-c"], ["-f", "extra"]])
def test_wrong_usage(arguments):
    """A mistyped command would start something else than what was meant."""
    result = subprocess.run([str(KONTORD), *arguments], capture_output=True, text=True, timeout=60,
                            stdin=subprocess.DEVNULL, env=ENVIRONMENT, check=False)
    assert result.returncode != 0
    assert result.stderr
