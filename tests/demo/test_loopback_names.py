import subprocess
import sys

import pytest

from cop_filter.demo.loopback_names import environment, is_synthetic

ASK = "import socket; print(*{each[4] for each in socket.getaddrinfo(%r, %d, type=socket.SOCK_STREAM)})"


def resolved(folder, host, port):
    """What a process of the demo's world resolves."""
    world = environment(folder / "names", {80: 40001}, {"PATH": "/usr/bin"})
    asked = [sys.executable, "-P", "-c", ASK % (host, port)]
    return subprocess.run(asked, env=world, capture_output=True, text=True, check=True).stdout.strip()


def test_a_synthetic_name_leads_to_the_origin_on_loopback(tmp_path):
    assert resolved(tmp_path, "site.example", 80) == "('127.0.0.1', 40001)"


def test_a_port_that_is_not_the_origins_stays(tmp_path):
    assert resolved(tmp_path, "lists.authority.example.", 4711) == "('127.0.0.1', 4711)"


def test_an_address_is_left_alone(tmp_path):
    assert resolved(tmp_path, "127.0.0.2", 80) == "('127.0.0.2', 80)"


def test_the_operators_own_python_path_is_kept(tmp_path):
    assert environment(tmp_path / "names", {}, {"PYTHONPATH": "/opt/own"})["PYTHONPATH"].endswith(":/opt/own")


@pytest.mark.parametrize("host", ["a.example", "A.Test.", b"x.invalid", "EXAMPLE.example"])
def test_names_of_examples_are_synthetic(host):
    assert is_synthetic(host)


@pytest.mark.parametrize("host", ["localhost", "example", "notexample", "192.0.2.1", None])
def test_other_names_are_not(host):
    assert not is_synthetic(host)
