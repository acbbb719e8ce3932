"""`wasteflow import shipments` as a process that may die, forked from one with the program loaded.

Loading the program takes longer than what is tested; a process forked from a server that has it
loaded is otherwise the command as installed, with the reader of large files in one of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import select
import time
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

LOADED = (
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "rich.progress",
    "wasteflow.cli.data",
    "wasteflow.importing.reading",
    "wasteflow.importing.text_chunks",
    "wasteflow.load_reader",
    "wasteflow.services.batches",
    "wasteflow.services.loads",
    "wasteflow.services.packing",
    "wasteflow_models.migrate",
)


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(LOADED))
    return context


def _run(out: Connection, url: str, file: str, chunk_rows: int) -> None:
    """The command, with chunks of a given size, saying `@n;` when it begins its nth commit."""
    for stream in (1, 2):
        os.dup2(out.fileno(), stream)
    out.close()
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from wasteflow import load_files
    from wasteflow.cli import main

    load_files.CHUNK_ROWS, load_files.READER_BYTES = chunk_rows, 0
    done = 0

    @event.listens_for(Engine, "commit")
    def commits(connection: object) -> None:
        nonlocal done
        done += 1
        os.write(2, f"@{done};\n".encode())

    os.write(2, b"@0;\n")
    main(["--database", url, "import", "shipments", file])


@dataclass(slots=True)
class ImportProcess:
    """One import on its way; `said` is what it wrote so far."""

    process: ForkServerProcess
    said: bytes = b""
    _pipe: Connection | None = field(default=None, repr=False)

    @classmethod
    def start(cls, url: str, file: Path, chunk_rows: int) -> ImportProcess:
        """Begin to import."""
        context = _server()
        heard, out = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(out, url, str(file), chunk_rows))
        process.start()
        out.close()
        return cls(process, _pipe=heard)

    def hear(self, word: bytes, patience_s: float) -> bool:
        """Listen until it says `word`; False if it ends, or says nothing of it, before."""
        deadline = time.monotonic() + patience_s
        while word not in self.said and time.monotonic() < deadline:
            if not self._listen():
                return False
        return word in self.said

    def kill(self) -> bool:
        """SIGKILL; False if it had ended by itself."""
        died = self.process.is_alive()
        if died:
            self.process.kill()
        return self.end() != 0 and died

    def end(self) -> int | None:
        """Wait until it and the reader it started are gone; how it ended."""
        while self._listen(1800):
            pass
        assert self._pipe is not None
        self._pipe.close()
        self.process.join()
        return self.process.exitcode

    def _listen(self, patience_s: float = 1) -> bool:
        """Take what there is to hear; False once nobody is left who could say more."""
        assert self._pipe is not None
        if select.select([self._pipe], [], [], patience_s)[0]:
            more = os.read(self._pipe.fileno(), 4096)
            self.said += more
            return bool(more)
        return True
