"""A proxy that cuts connections at random: before the request, inside it, or inside the answer."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

PIECE = 256


class Cutter:
    """One proxy: `share` of the connections live only a random number of bytes."""

    def __init__(self, address: str, *, share: float, seed: int) -> None:
        parts = urlsplit(address)
        self._goal = (parts.hostname or "", parts.port or 0)
        self._share, self._dice = share, random.Random(seed)
        self._door = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._open = True
        self.cuts = 0

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def serve(self) -> None:
        """Take connections until closed."""
        while self._open:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            left = self._dice.randrange(2500) if self._dice.random() < self._share else 0
            Thread(target=self._carry, args=(client, left), daemon=True).start()

    def close(self) -> None:
        """Stop taking connections."""
        self._open = False
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _carry(self, client: socket.socket, left: int) -> None:
        """Carry both ways; `left` bytes in all if it is to be cut (0: it is not)."""
        with client, socket.create_connection(self._goal) as server:
            budget = [left or 10**9]
            back = Thread(target=self._pump, args=(server, client, budget), daemon=True)
            back.start()
            self._pump(client, server, budget)
            if budget[0] > 0:
                back.join(30)
            else:
                self.cuts += 1
                for end in (client, server):
                    with suppress(OSError):  # a reset, not a polite end
                        linger = struct.pack("ii", 1, 0)
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                        end.shutdown(socket.SHUT_RDWR)
                back.join(30)

    def _pump(self, source: socket.socket, target: socket.socket, budget: list[int]) -> None:
        with suppress(OSError):
            while budget[0] > 0:
                piece = source.recv(PIECE)
                if not piece:
                    break
                budget[0] -= len(piece)
                target.sendall(piece[: len(piece) + min(budget[0], 0)])
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting(address: str, *, share: float = 0.4, seed: int = 1) -> Iterator[Cutter]:
    """A cutter in front of `address`."""
    cutter = Cutter(address, share=share, seed=seed)
    thread = Thread(target=cutter.serve, daemon=True)
    thread.start()
    try:
        yield cutter
    finally:
        cutter.close()
        thread.join(5)
