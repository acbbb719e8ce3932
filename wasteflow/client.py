"""A small client of the HTTP API: standard library only, typed, safe to retry.

    client = Client("https://wasteflow.example", token="wf_…")
    load = client.create_load({"consignor": "ent.a", "consignee": "ent.b", …}, issue=True)
    load = client.move(load, "dispatch", dispatched_t="31.480")

Tonnes are decimal strings.  A POST carries an Idempotency-Key, so that it is done once however
often a connection breaks; a write that rests on a version sends it as If-Match.
"""

from __future__ import annotations

import hmac
import http.client
import json
import random
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct

API: Final = "/api/v1"
RETRIED: Final = frozenset({429, 502, 503, 504})
"""Statuses after which the same request is sent again."""
_EMPTY: Final = frozenset({204, 304})
Json = dict[str, Any]


class FieldError(Struct, frozen=True):
    """What is wrong at one place of a request (JSON pointer)."""

    pointer: str
    code: str
    message: str


class ApiError(Exception):
    """A problem the API answered with (RFC 9457); subclasses by status."""

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail", ""))
        self.problem = dict(problem)
        self.request_id = headers.get("x-request-id", "")
        self.etag = headers.get("etag", "")
        self.errors = [
            FieldError(item["pointer"], item["code"], item["message"])
            for item in problem.get("errors", ())
        ]
        where = "; ".join(f"{item.pointer}: {item.message}" for item in self.errors)
        super().__init__(f"{status} {self.code}: {self.detail}" + (f" ({where})" if where else ""))


class NotSignedIn(ApiError):
    """401: no valid token."""


class NotAllowed(ApiError):
    """403: one's business, but not one's right."""


class NotFound(ApiError):
    """404: not there, or not one's business."""


class Conflict(ApiError):
    """409: the state of the books does not allow it; `problem["moves"]` may tell what is."""


class Stale(ApiError):
    """412: the object has another version now (`etag`)."""


class Invalid(ApiError):
    """422: `errors` tells what is wrong where."""


class Unreachable(Exception):
    """No answer came, as often as it was tried."""


_BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    401: NotSignedIn,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    412: Stale,
    422: Invalid,
}


class Answer(Struct, frozen=True):
    """What the API answered: status, headers (lower case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON, None if it is empty."""
        return json.loads(self.body) if self.body else None

    @property
    def etag(self) -> str:
        """The version of the object, as If-Match wants it."""
        return self.headers.get("etag", "")


class Client:
    """One user of the API.  Not for several threads at once: give each its own."""

    def __init__(
        self,
        url: str,
        *,
        token: str,
        lang: str = "zh",
        timeout_s: float = 30,
        tries: int = 5,
        pause_s: float = 0.2,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not a web address: {url}")
        self._parts = parts
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json, application/problem+json",
            "Accept-Language": lang,
            "User-Agent": "wasteflow-client/1",
        }
        self._timeout_s, self._tries, self._pause_s = timeout_s, max(1, tries), pause_s
        self._sleep = sleep
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # --- requests -----------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, sent again when that is safe; raises ApiError or Unreachable.

        Safe is a GET, and a POST with an Idempotency-Key.
        """
        sent = {**self._headers, **(headers or {})}
        asked = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        target = self._parts.path.rstrip("/") + API + path
        target += f"?{urlencode(asked)}" if asked else ""
        again = method == "GET" or (method == "POST" and "Idempotency-Key" in sent)
        left = self._tries if again else 1
        while True:
            left -= 1
            try:
                answer = self._once(method, target, body, sent)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                if not left:
                    raise Unreachable(f"{method} {path}: {error}") from error
                self._wait(self._tries - left, None)
                continue
            if answer.status < 400:
                return answer
            if answer.status in RETRIED and left:
                self._wait(self._tries - left, answer.headers.get("retry-after"))
                continue
            raise _error_of(answer)

    def _once(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        if self._connection is None:
            host, port = self._parts.hostname or "", self._parts.port
            if self._parts.scheme == "https":
                context = ssl.create_default_context()
                self._connection = http.client.HTTPSConnection(
                    host, port, timeout=self._timeout_s, context=context
                )
            else:
                self._connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        self._connection.request(method, target, body, dict(headers))
        response = self._connection.getresponse()
        content = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
        sized = "content-length" in found or "transfer-encoding" in found
        if not sized and response.status not in _EMPTY:
            # Cut inside its head, an answer looks whole and empty.
            raise http.client.IncompleteRead(content)
        return Answer(response.status, found, content)

    def _wait(self, tried: int, retry_after: str | None) -> None:
        """Wait longer each time, by chance up to twice as long; as the server says if it does."""
        pause = self._pause_s * 2 ** (tried - 1) * (1 + random.random())
        if retry_after and retry_after.isdigit():
            pause = max(pause, int(retry_after))
        self._sleep(min(pause, 60.0))

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of an address below /api/v1."""
        return self.request("GET", path, query=query).json

    def items(self, path: str, **query: Any) -> Iterator[Json]:
        """Every object of a list, page by page."""
        while True:
            page = self.get(path, **query)
            yield from page["items"]
            if page["next"] is None:
                return
            query["cursor"] = page["next"]

    def post(
        self, path: str, body: Any = None, *, version: str | int | None = None, key: str = ""
    ) -> Any:
        """POST a JSON body once; `key`: the same for a request that is the same (default: new)."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._write("POST", path, {} if body is None else body, version, headers)

    def patch(self, path: str, body: Any, *, version: str | int) -> Any:
        """Change the fields given, if the object still has `version`."""
        return self._write("PATCH", path, body, version, {})

    def delete(self, path: str, *, version: str | int | None = None, **query: Any) -> None:
        """Remove an object."""
        self.request("DELETE", path, query=query, headers=_if_match(version))

    def _write(
        self,
        method: str,
        path: str,
        body: Any,
        version: str | int | None,
        headers: Mapping[str, str],
    ) -> Any:
        sent = {**headers, **_if_match(version), "Content-Type": "application/json"}
        text = json.dumps(body, ensure_ascii=False).encode()
        return self.request(method, path, body=text, headers=sent).json

    # --- loads --------------------------------------------------------------------------

    def create_load(
        self,
        fields: Mapping[str, Any],
        *,
        issue: bool = False,
        external_id: str | None = None,
        key: str = "",
    ) -> Json:
        """A new load: a draft, or with `issue` a document at once."""
        body: Json = {**fields, "issue": issue}
        if external_id:
            body["external_id"] = external_id
        return _object(self.post("/shipments", body, key=key))

    def load(self, load_id: str) -> Json:
        """A load as it stands, with the moves one may make."""
        return _object(self.get(f"/shipments/{quote(load_id)}"))

    def loads(self, **query: Any) -> Iterator[Json]:
        """Loads that are one's business."""
        return self.items("/shipments", **query)

    def move(self, load: Mapping[str, Any], word: str, *, key: str = "", **fields: Any) -> Json:
        """Make a move (`dispatch`, `decide`, …) on the version of `load`; the load after it."""
        path = f"/shipments/{quote(load['id'])}/{word}"
        return _object(self.post(path, fields, version=load["version"], key=key))

    def edit(self, load: Mapping[str, Any], **fields: Any) -> Json:
        """Change fields of a draft; None takes one out."""
        path = f"/shipments/{quote(load['id'])}"
        return _object(self.patch(path, fields, version=load["version"]))

    def events(self, load: Mapping[str, Any]) -> list[Json]:
        """Everything that happened to a load."""
        found: list[Json] = self.get(f"/shipments/{quote(load['id'])}/events")["items"]
        return found

    # --- entries, changes, papers -------------------------------------------------------

    def create_entry(self, fields: Mapping[str, Any], *, key: str = "") -> Json:
        """Record what one enterprise did alone."""
        return _object(self.post("/entries", fields, key=key))

    def reverse_entry(self, entry: Mapping[str, Any], reason: str) -> Json:
        """Take an entry out of the books by a reversing one."""
        path = f"/entries/{quote(entry['id'])}/reverse"
        return _object(self.post(path, {"reason": reason}))

    def create_product(self, fields: Mapping[str, Any], *, key: str = "") -> Json:
        """Record product output of a firm (enterprise, product, date, tonnes …)."""
        return _object(self.post("/products", fields, key=key))

    def reverse_product(self, product: Mapping[str, Any], reason: str) -> Json:
        """Reverse product output."""
        where = "/".join(str(product[name]) for name in ("enterprise", "product", "date"))
        return _object(self.post(f"/products/{where}/reverse", {"reason": reason}))

    def products(self, **query: Any) -> Iterator[Json]:
        """Product output, page by page."""
        return self.items("/products", **query)

    def changes(self, after: int = 0, limit: int = 200) -> Iterator[Json]:
        """Changes after a number, up to now."""
        while True:
            found = self.get("/changes", after=after, limit=limit)
            yield from found["items"]
            after = found["after"]
            if not found["more"]:
                return

    def attach(
        self, load: Mapping[str, Any], filename: str, content: bytes, media_type: str
    ) -> Json:
        """Hand in a document of a load; the same bytes twice are one document."""
        mark = uuid.uuid4().hex
        name = filename.replace('"', "").replace("\r", "").replace("\n", "")
        body = (
            f'--{mark}\r\nContent-Disposition: form-data; name="shipment"\r\n\r\n{load["id"]}\r\n'
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: {media_type}\r\n\r\n"
        ).encode() + content
        body += f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        return _object(self.request("POST", "/attachments", body=body, headers=headers).json)


def signature_holds(
    secret: str, header: str, body: bytes, *, now: float | None = None, tolerance_s: float = 300
) -> bool:
    """Whether the `Wasteflow-Signature` of a webhook call is right and recent.

    >>> head = "t=1700000000,v1=" + hmac.new(b"s", b"1700000000.{}", "sha256").hexdigest()
    >>> signature_holds("s", head, b"{}", now=1700000010.0)
    True
    >>> signature_holds("s", head, b"{ }", now=1700000010.0)
    False
    """
    parts = dict(item.partition("=")[::2] for item in header.split(","))
    stamp = parts.get("t", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 13):
        return False
    wanted = hmac.new(secret.encode(), stamp.encode() + b"." + body, "sha256").hexdigest()
    moment = time.time() if now is None else now
    recent = abs(moment - int(stamp)) <= tolerance_s
    return recent and hmac.compare_digest(wanted, parts.get("v1", ""))


def _if_match(version: str | int | None) -> dict[str, str]:
    if version is None:
        return {}
    text = str(version)
    whole = text == "*" or text.startswith(('"', 'W/"'))
    return {"If-Match": text if whole else f'"{text}"'}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _object(found: Any) -> Json:
    assert isinstance(found, dict)
    return found


def _error_of(answer: Answer) -> ApiError:
    try:
        problem = answer.json
    except ValueError:
        problem = None
    told = problem if isinstance(problem, dict) else {"detail": answer.body[:200].decode("latin-1")}
    return _BY_STATUS.get(answer.status, ApiError)(answer.status, told, answer.headers)
