"""Answers known by the version of the data: ETag, 304, and finished bodies kept in the process.

Right only for pages made of nothing but the books, the registry, the settings, the language, the
theme, the address, and what the asker may read (`Reach`): those who may read the same share them.
What belongs to one browser is put in when a response leaves (`late`) and stands in its ETag.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from flask import Flask, Response, current_app, g, make_response, request
from msgspec import Struct

import wasteflow
import wasteflow_maps
import wasteflow_models
from wasteflow import __version__
from wasteflow.services.data_version import data_version
from wasteflow.web import bell
from wasteflow.web.access import books
from wasteflow.web.identity import offers_key, reach_key, this_month, who_key
from wasteflow.web.security import nonce, request_id
from wasteflow.web.texts import lang, theme
from wasteflow_models.kept import Kept

REVALIDATED: Final = "private, no-cache"
PARTS_KEPT: Final = 64
"""What several pages rest on is kept for so many questions."""
_EXTENSION: Final = "wasteflow_answers"
_PARTS: Final = "wasteflow_parts"
_T = TypeVar("_T")
_SHOWN_DIGITS: Final = 12
_KEPT_HEADERS: Final = ("Content-Type", "Content-Disposition")


class Answer(Struct, frozen=True):
    """A finished answer: its body cut wherever the nonce of its response stood, and headers."""

    parts: tuple[bytes, ...]
    headers: tuple[tuple[str, str], ...]

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.parts))

    @property
    def same_bytes(self) -> bool:
        """True if the body is the same each time: it holds no nonce."""
        return len(self.parts) == 1


class Answers:
    """Answers by tag, the least recently used dropped beyond `limit` bytes; for all threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = Lock()
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._size = 0
        self._gates: dict[str, tuple[Lock, int]] = {}

    def get(self, tag: str) -> Answer | None:
        """The answer kept under a tag."""
        with self._lock:
            if tag in self._kept:
                self._kept.move_to_end(tag)
            return self._kept.get(tag)

    def put(self, tag: str, answer: Answer) -> None:
        """Keep an answer; one larger than all there is room for is not kept."""
        with self._lock:
            old = self._kept.pop(tag, None)
            self._size += answer.size - (old.size if old else 0)
            self._kept[tag] = answer
            while self._size > self.limit:
                self._size -= self._kept.popitem(last=False)[1].size

    @contextmanager
    def alone(self, tag: str) -> Iterator[None]:
        """Only one thread at a time works at the answer of a tag; the others find it kept."""
        with self._lock:
            gate, users = self._gates.get(tag, (Lock(), 0))
            self._gates[tag] = gate, users + 1
        try:
            with gate:
                yield
        finally:
            with self._lock:
                users = self._gates[tag][1] - 1
                if users:
                    self._gates[tag] = gate, users
                else:
                    del self._gates[tag]

    @property
    def size(self) -> int:
        """Bytes kept."""
        with self._lock:
            return self._size


def install(app: Flask) -> None:
    """Room for answers by the setting; templates know `state_id`."""
    config = books(app).config
    app.extensions[_EXTENSION] = Answers(config.kept_mb * 1024 * 1024)
    app.extensions[_PARTS] = Kept(PARTS_KEPT)
    app.context_processor(lambda: {"state_id": state_id})


def answers() -> Answers:
    """What this application keeps."""
    found = current_app.extensions[_EXTENSION]
    assert isinstance(found, Answers)
    return found


def kept(show: Callable[[], str | Response]) -> Callable[[], Response]:
    """`show` computed once for a version of the data, then answered from memory or by a 304.

    Another method than GET passes through; so does every answer but a 200, and one that is still
    open (`unfinish`).
    """

    @wraps(show)
    def answer() -> Response:
        if request.method not in ("GET", "HEAD"):
            return make_response(show())
        # Read before the page: one made of newer books is kept under a version nobody asks again.
        g.data_version = data_version(db=books().db)
        tag = _tag(g.data_version)
        own_tag = _own(tag)
        if request.if_none_match.contains_weak(own_tag):
            return _tagged(Response(status=304), own_tag, weak=True)
        with answers().alone(tag):
            found = answers().get(tag)
            if found is None:
                response = make_response(show())
                if response.status_code != 200 or "unfinished" in g:
                    return response
                found = _answer_of(response)
                answers().put(tag, found)
        return _response_of(found, own_tag)

    return answer


def unfinish() -> None:
    """Say of the answer being made that parts of it follow: it is not kept and has no tag."""
    g.unfinished = True


def known(key: Hashable) -> object | None:
    """What `once` keeps for this version of the data, None if it was not asked for yet."""
    parts: Kept[Hashable, object] = current_app.extensions[_PARTS]
    return parts.get(_whole(key))


def once(key: Hashable, make: Callable[[], _T]) -> _T:
    """`make()`, kept for the pages of the same version of the data that rest on it too.

    Shared by those who may read the same, also by pages that are not `kept` themselves.  key: what
    it is and everything it depends on but the data and the reach; nobody may change what it gives.
    """
    parts: Kept[Hashable, _T] = current_app.extensions[_PARTS]
    whole = _whole(key)
    found = parts.get(whole)
    return parts.put(whole, make()) if found is None else found


def _whole(key: Hashable) -> Hashable:
    """A key with the version of the data and with what the asker may read."""
    return g.get("data_version", "") or data_version(db=books().db), reach_key(), key


def state_id() -> str:
    """What a printed page is known by: the version of its data, else the id of its request."""
    version = g.get("data_version", "")
    return str(version)[:_SHOWN_DIGITS] if version else request_id()


def _answer_of(response: Response) -> Answer:
    """The nonce is random and long: where it stands in a body, the page put it."""
    body = response.get_data()
    parts = body.split(nonce().encode()) if "nonce" in g else [body]
    headers = [(name, response.headers[name]) for name in _KEPT_HEADERS if name in response.headers]
    return Answer(tuple(parts), tuple(headers))


def _response_of(answer: Answer, tag: str) -> Response:
    body = answer.parts[0] if answer.same_bytes else nonce().encode().join(answer.parts)
    response = Response(body)
    for name, value in answer.headers:
        response.headers[name] = value
    return _tagged(response, tag, weak=not answer.same_bytes)


def _tagged(response: Response, tag: str, *, weak: bool) -> Response:
    """A strong tag stands for the same bytes; a page differs by its nonce each time it is sent."""
    response.set_etag(tag, weak=weak)
    response.headers["Cache-Control"] = REVALIDATED
    response.vary.add("Cookie")
    return response


def _tag(version: str) -> str:
    """Digest of everything an answer depends on."""
    config = books().config
    settings = (config.basemap, lang(), theme(), reach_key(), offers_key(), this_month())
    address = (request.root_path, request.path, request.query_string)
    return sha256(repr((_program(), version, settings, address)).encode()).hexdigest()[:32]


def _own(tag: str) -> str:
    """The tag as one browser gets it: its pages say who is signed in and how much waits."""
    who = who_key()
    return sha256(f"{tag} {who} {bell.waiting()}".encode()).hexdigest()[:32] if who else tag


@cache
def _program() -> str:
    """Digest of version, sizes and dates of our files: a new program answers anew."""
    packages = (wasteflow, wasteflow_models, wasteflow_maps)
    folders = [Path(package.__file__).parent for package in packages if package.__file__]
    found = [__version__]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                state = path.stat()
                name = path.relative_to(folder).as_posix()
                found.append(f"{folder.name}/{name} {state.st_size} {state.st_mtime_ns}")
    return sha256("\n".join(found).encode()).hexdigest()
