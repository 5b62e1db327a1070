"""What a session gives away to the server that it finds."""

import socket
import struct
import threading
from contextlib import suppress

import pytest

from eurostat_assets.postgres.connection import connect
from eurostat_assets.postgres.errors import DatabaseUnavailable


def test_no_password_is_sent_in_plain_to_who_answers_at_the_port_of_this_machine() -> None:
    """What another account could do while the server is down: listen there, and ask for the password as it is."""
    heard: list[bytes] = []

    def ask_for_the_password(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client:
            client.settimeout(30)
            client.recv(8)  # SSLRequest
            client.sendall(b"N")
            client.recv(4096)  # StartupMessage
            client.sendall(b"R" + struct.pack("!ii", 8, 3))  # AuthenticationCleartextPassword
            with suppress(OSError):
                heard.append(client.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=ask_for_the_password, args=(listener,))
        server.start()
        url = f"postgresql://eurostat_loader:very-secret@127.0.0.1:{listener.getsockname()[1]}/eurostat"
        with pytest.raises(DatabaseUnavailable), connect(url):
            pass
        server.join()
    assert b"very-secret" not in b"".join(heard)
