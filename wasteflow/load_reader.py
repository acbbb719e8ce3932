"""Reading and checking a large file in a process of its own, beside the one that writes.

In threads the two take turns at the interpreter's lock.  The process is a plain command, so it runs
under any caller; it ends when its orders do, when it is closed, and when its caller dies.  Answers
are frames: eight bytes of length, then a pickle.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Generator
from contextlib import suppress
from typing import IO, Any

from msgspec import Struct

from wasteflow.core.errors import UnusableFile, WasteflowError
from wasteflow.importing.text_chunks import TextFile
from wasteflow.schemas.row_rules import Clock
from wasteflow.services.load_ready import Packing, ReadyChunk, ready_chunks
from wasteflow_models.keys import Keys

_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); {then}"
_THEN = "from wasteflow.load_reader import serve; serve()"
_LENGTH = struct.Struct(">Q")
_PIPE_BYTES = 1024 * 1024
_PATIENCE_S = 10
_COLLECTING = (200_000, 20, 100)
"""Chunks are many small objects and no cycles: the collector need not look at them so often."""


class Order(Struct, frozen=True):
    """What the process is asked to read, and against which registry."""

    file: TextFile
    keys: Keys
    clock: Clock
    round_kg: bool
    packing: Packing | None


class Reader:
    """The process, from the caller's side; to be closed by who made it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> bool:
        """Start the process if it is not running; False if this system cannot."""
        if self._process is None:
            command = [sys.executable, "-c", _START.format(then=_THEN), json.dumps(sys.path)]
            try:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            except (OSError, ValueError):
                return False
            _widen(self._process.stdout)
        return True

    def chunks(self, order: Order) -> Generator[ReadyChunk, None, None]:
        """The chunks of a file, in its order.

        Raises UnusableFile as `TextFile.chunks` does, and WasteflowError `reader_died` if the
        process ends before it is done.
        """
        if not self.start():
            yield from _here(order)
            return
        done = False
        try:
            self._send(order)
            while (answer := self._receive())[0] == "chunk":
                yield answer[1]
            _raise(*answer)
            done = True
        finally:
            if not done:  # what it still has to say is not asked for any more
                self.close()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        process.wait(_PATIENCE_S)

    def _send(self, order: Order) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            _write(self._process.stdin, order)
        except OSError as error:
            raise self._death() from error

    def _receive(self) -> tuple[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        pipe = self._process.stdout
        head = pipe.read(_LENGTH.size)
        body = pipe.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
        if len(head) < _LENGTH.size or len(body) < _LENGTH.unpack(head)[0]:
            raise self._death()
        answer: tuple[str, Any] = pickle.loads(body)
        return answer

    def _death(self) -> WasteflowError:
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE_S)
        return WasteflowError("reader_died", status=self._process.returncode)


def _here(order: Order) -> Generator[ReadyChunk, None, None]:
    return ready_chunks(
        order.file.chunks(),
        order.keys,
        order.clock,
        order.round_kg,
        large=True,
        packing=order.packing,
    )


def _raise(word: str, content: Any) -> None:
    """What went wrong there is raised here."""
    if word == "unusable":
        raise UnusableFile(content[0], **content[1])
    if word == "failed":
        raise RuntimeError(f"the reading process failed:\n{content}")


def _widen(pipe: IO[bytes] | None) -> None:
    """A larger pipe where the system has such: fewer turns for the same bytes."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        assert pipe is not None
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _write(pipe: IO[bytes], content: object) -> None:
    body = pickle.dumps(content, protocol=5)
    pipe.write(_LENGTH.pack(len(body)))
    pipe.write(body)
    pipe.flush()


# --- the process itself ----------------------------------------------------------------------


def serve() -> None:
    """Answer orders from standard input until it ends; what is printed goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller hears it and closes us
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    gc.freeze()
    gc.set_threshold(*_COLLECTING)
    orders: list[Order] = []
    ready = threading.Semaphore(0)

    def listen() -> None:
        """Nothing more to hear means that the caller is gone, whatever is being done.

        Also in the middle of an order: what is left of it cannot be read.
        """
        try:
            while len(head := sys.stdin.buffer.read(_LENGTH.size)) == _LENGTH.size:
                orders.append(pickle.loads(sys.stdin.buffer.read(_LENGTH.unpack(head)[0])))
                ready.release()
        finally:
            os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        ready.acquire()
        _answer(orders.pop(0), out)


def _answer(order: Order, out: IO[bytes]) -> None:
    try:
        for chunk in _here(order):
            _write(out, ("chunk", chunk))
        _write(out, ("end", None))
    except UnusableFile as error:
        _write(out, ("unusable", (error.code, error.params)))
    except BrokenPipeError:
        os._exit(0)
    except Exception:
        _write(out, ("failed", traceback.format_exc()))
