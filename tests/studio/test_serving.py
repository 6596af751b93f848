"""Where the studio listens, and what a person reads when it cannot."""

import socket

import pytest

from groundup.studio import serving


def test_it_listens_on_this_machine_only_at_a_free_port():
    with serving.bind(0) as listener:
        host, port = listener.getsockname()
    assert host == "127.0.0.1"
    assert port > 0


def test_a_port_that_is_taken_is_named_with_what_to_do():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ValueError, match=rf"port {port} cannot be had.*another --port"):
            serving.bind(port)


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_port_that_is_none_is_named(port):
    with pytest.raises(ValueError, match=rf"{port}; wanted 1 to 65535"):
        serving.bind(port)
