"""What uploads need of the books: names for codes, whose rows one may send, mappings kept.

The bytes and the reading of files are not known here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import bindparam, select, text

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import UnusableFile, WasteflowError
from wasteflow.core.messages import render
from wasteflow.core.permissions import Verdict, judge
from wasteflow.core.reach import subject_of_firms
from wasteflow.core.registry import Registry
from wasteflow.services.naming import Names, known
from wasteflow.services.work import Job, NewJob, begin_job, create_job, drop_job
from wasteflow.services.work_files import keep_file
from wasteflow_models.base import UtcMoment
from wasteflow_models.convert import load_keys
from wasteflow_models.engine import Alone, Database
from wasteflow_models.jobs import ColumnMapRow

UPLOAD_RIGHTS: Final[Mapping[str, str]] = {
    "shipments": "shipment.draft",
    "entries": "entry.write",
    "products": "entry.write",
    "profiles": "entry.write",
    "park_inputs": "indicator.write",
    "facilities": "facility.write",
    "enterprises": "registry.write",
    "parks": "registry.write",
    "regions": "registry.write",
    "materials": "registry.write",
    "routes": "registry.write",
    "targets": "target.write",
    "filings": "filing.write",
    "coefficients": "registry.write",
}
"""Kind of file → the right its rows need."""
RIGHT_COLUMNS: Final = ("consignor", "consignee", "enterprise", "park", "code", "parent")
"""Columns of a row that say whose it is; `row_rights` asks for no other."""
_REMEMBER: Final = text(
    "INSERT INTO column_map (organisation, kind, header, columns, at) "
    "VALUES (:organisation, :kind, :header, :columns, :at) "
    "ON CONFLICT (organisation, kind, header) "
    "DO UPDATE SET columns = excluded.columns, at = excluded.at"
).bindparams(bindparam("at", type_=UtcMoment()))
LOOK, CHECK, PUBLISH = "look", "check", "publish"
"""Steps of an upload: looked at (and checked, if nothing is to be asked), checked, published."""
ENDINGS: Final = (".xlsx", ".xlsm", ".xls", ".ods", ".csv", ".tsv", ".txt")
_MB: Final = 1024 * 1024
MOST_BYTES: Final = 512 * _MB
RowFault = Callable[[Mapping[str, str]], tuple[str, str] | None]
"""A row as texts → (column, value) that one may not send, or None."""


class Owner(Struct, frozen=True):
    """Whose an upload is: who sent it, for which organisation ("" of the system)."""

    organisation: str
    account_id: int
    login: str


def words_of(*, db: Database) -> dict[str, dict[str, str]]:
    """Names that may stand for codes in files: of materials and, where one has it, of routes."""
    with db.read() as session:
        registry = load_keys(session).registry
    materials = {item.name_zh: code for code, item in registry.materials.items()}
    named: dict[str, list[str]] = {}
    for code, route in registry.routes.items():
        for name in {route.name_zh, route.name_en} - {""}:
            named.setdefault(name, []).append(code)
    routes = {name: codes[0] for name, codes in named.items() if len(codes) == 1}
    return {
        "material": {name: code for name, code in materials.items() if name},
        "route": {name: code for name, code in routes.items() if name not in registry.routes},
    }


def kinds_for(*, db: Database, actor: Actor | None) -> list[str]:
    """Kinds of files somebody may send at all, in the order of UPLOAD_RIGHTS."""
    if actor is None:
        return []
    with db.read() as session:
        registry = load_keys(session).registry
    roles = {item.role.value for item in actor.memberships}
    if "system_admin" in roles:
        return list(UPLOAD_RIGHTS)
    firms = {item.organisation for item in actor.memberships} & set(registry.enterprises)
    parks = {item.organisation for item in actor.memberships} & set(registry.parks)
    subjects = [_of_firm(registry, firm) for firm in sorted(firms)]
    subjects += [_of_park(registry, park) for park in sorted(parks)]
    every_park = [_of_park(registry, park) for park in sorted(registry.parks)]
    open_kinds = {
        **dict.fromkeys(
            ("shipments", "entries", "products", "profiles", "facilities", "enterprises", "parks"),
            subjects,
        ),
        "park_inputs": every_park,  # planners state them for parks of their region
    }
    return [
        kind
        for kind, where in open_kinds.items()
        if any(_allowed(actor, UPLOAD_RIGHTS[kind], subject) for subject in where)
    ]


def signs_for(*, db: Database, actor: Actor | None, firm: str) -> bool:
    """Whether a file of loads that `actor` sends for `firm` is that firm's signature."""
    if actor is None:
        return False
    with db.read() as session:
        registry = load_keys(session).registry
    held = registry.enterprises.get(firm)
    if held is None or held.external:
        return False
    return _allowed(actor, UPLOAD_RIGHTS["shipments"], _of_firm(registry, firm))


def row_rights(*, db: Database, actor: Actor | None, kind: str) -> RowFault | None:
    """What tells a row that `actor` may not send; None if every row may be sent."""
    if actor is None:
        return lambda row: ("", "")
    if "system_admin" in {item.role.value for item in actor.memberships}:
        return None
    with db.read() as session:
        registry = load_keys(session).registry
    right, names = UPLOAD_RIGHTS[kind], Names(registry)
    theirs: dict[str, bool] = {}

    def firm(text: str) -> bool:
        if text not in theirs:
            try:
                code = names.enterprise(text)
            except Exception:  # an unknown or ambiguous name is refused by the import itself
                code = ""
            theirs[text] = bool(code) and _allowed(actor, right, _of_firm(registry, code))
        return theirs[text]

    def park(code: str) -> bool:
        return code in registry.parks and _allowed(actor, right, _of_park(registry, code))

    def fault(row: Mapping[str, str]) -> tuple[str, str] | None:
        if kind == "park_inputs":
            return None if park(row.get("park", "")) else ("park", row.get("park", ""))
        if kind in ("entries", "products", "profiles"):
            text = row.get("enterprise", "")
            return None if firm(text) else ("enterprise", text)
        if kind == "shipments":
            consignor, consignee = row.get("consignor", ""), row.get("consignee", "")
            return None if firm(consignor) or firm(consignee) else ("consignor", consignor)
        return _registry_fault(registry, kind, row, firm, park)

    return fault


def unknown_names(
    *, db: Database, kind: str
) -> Callable[[Mapping[str, str]], list[tuple[str, WasteflowError]]]:
    """What tells the cells of a row, given as texts, that name a firm, material or route wrongly.

    Of the kinds whose rows lean on the registry; blank cells are not looked at.
    """
    if kind not in ("shipments", "entries", "products", "profiles"):
        return lambda row: []
    with db.read() as session:
        registry = load_keys(session).registry
    names = Names(registry)
    asked: dict[str, Callable[[str], str]] = {
        **dict.fromkeys(("consignor", "consignee", "enterprise", "generator"), names.enterprise),
        "material": lambda code: known(registry.materials, "material", code),
        "route": lambda code: known(registry.routes, "route", code),
    }

    def faults(row: Mapping[str, str]) -> list[tuple[str, WasteflowError]]:
        found = []
        for name, look_up in asked.items():
            try:
                if text := row.get(name, "").strip():
                    look_up(text)
            except WasteflowError as error:
                found.append((name, error))
        return found

    return faults


def _registry_fault(
    registry: Registry,
    kind: str,
    row: Mapping[str, str],
    firm: Callable[[str], bool],
    park: Callable[[str], bool],
) -> tuple[str, str] | None:
    """A park manager keeps what lies in the own park, before and after; a firm its facilities."""
    code = row.get("code", "")
    if kind == "enterprises":
        there = code not in registry.enterprises or firm(code)
        return None if there and park(row.get("park", "")) else ("park", row.get("park", ""))
    if kind == "parks":
        there = park(code) if code in registry.parks else park(row.get("parent", ""))
        return None if there else ("code", code)
    if kind == "facilities":
        held = registry.facilities.get(code)
        there = held is None or firm(held.enterprise or "")
        owner = row.get("enterprise", "")
        mine = firm(owner) if owner else park(row.get("park", ""))
        return None if there and mine else ("enterprise", owner or row.get("park", ""))
    return ("code", code)


def _allowed(actor: Actor, right: str, subject: Subject) -> bool:
    return judge(actor, right, subject, right) is Verdict.ALLOWED


def _of_firm(registry: Registry, code: str) -> Subject:
    """Records of one firm, in whichever part it has in them."""
    alone = subject_of_firms(registry, code)
    return Subject(consignor=code, enterprise=code, parks=alone.parks, regions=alone.regions)


def _of_park(registry: Registry, code: str) -> Subject:
    parks = registry.parks_up(code)
    regions = {up for park in parks for up in registry.regions_up(registry.parks[park].region)}
    return Subject(parks=frozenset(parks), regions=frozenset(regions))


def remember_columns(
    *,
    db: Database,
    organisation: str,
    kind: str,
    header: str,
    columns: Mapping[str, str],
    fixed: Mapping[str, str],
    now: datetime,
) -> None:
    """Keep how an organisation told to read a header (by its digest): title → column, values."""
    told = {"columns": dict(columns), "fixed": dict(fixed)}
    values = {
        "organisation": organisation,
        "kind": kind,
        "header": header,
        "columns": json.dumps(told, ensure_ascii=False),
        "at": now,
    }
    with db.write(Alone.NOBODY) as session:
        session.execute(_REMEMBER, values)


def recall_columns(
    *, db: Database, organisation: str, kind: str, header: str
) -> tuple[dict[str, str], dict[str, str]]:
    """(title → column, column → value) kept by `remember_columns`, empty if nothing was."""
    query = select(ColumnMapRow.columns).where(
        ColumnMapRow.organisation == organisation,
        ColumnMapRow.kind == kind,
        ColumnMapRow.header == header,
    )
    with db.read() as session:
        found = session.scalars(query).one_or_none()
    told = json.loads(found) if found else {"columns": {}, "fixed": {}}
    return told["columns"], told["fixed"]


def issue_text(issue: Mapping[str, Any], lang: str) -> str:
    """The wording of a reason in the result of an upload."""
    params = {"field": issue["field"], "value": issue["value"], **issue["params"]}
    return render(issue["code"], lang, params)


def take_upload(
    *,
    db: Database,
    kind: str,
    filename: str,
    pieces: Iterable[bytes],
    owner: Owner,
    options: Mapping[str, Any],
    now: datetime,
    most_bytes: int = MOST_BYTES,
) -> Job:
    """Keep an uploaded file and let a worker look at it; the job that does.

    Raises WasteflowError `upload_kind`, `upload_type`, `empty_file`, `file_too_large`; then
    nothing is kept.
    """
    if kind not in UPLOAD_RIGHTS:
        raise WasteflowError("upload_kind", value=kind, known=", ".join(UPLOAD_RIGHTS))
    name = filename.replace("\\", "/").rpartition("/")[2].strip() or "upload"
    if not name.lower().endswith(ENDINGS):
        raise UnusableFile("upload_type", file=name)
    asked = NewJob(
        kind="import",
        step=LOOK,
        organisation=owner.organisation,
        account_id=owner.account_id,
        login=owner.login,
        subject=kind,
        filename=name,
        options=options,
    )
    job = create_job(db=db, job=asked, now=now, begin=False)
    try:
        kept = keep_file(
            db=db,
            job_id=job.id,
            role="input",
            filename=name,
            media_type="application/octet-stream",
            pieces=_bounded(pieces, name, most_bytes),
        )
        if not kept.size:
            raise UnusableFile("empty_file", file=name)
    except BaseException:
        drop_job(db=db, uid=job.uid)
        raise
    return begin_job(
        db=db, uid=job.uid, step=LOOK, options={**options, "sha256": kept.sha256}, now=now
    )


def _bounded(pieces: Iterable[bytes], name: str, most: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            raise UnusableFile("file_too_large", file=name, size=-(-size // _MB), limit=most // _MB)
        yield piece


def go_on(
    *, db: Database, job: Job, step: str, told: Mapping[str, Any], by: str, now: datetime
) -> Job:
    """Let an upload go on with `step`, what was told of the file put into its options.

    by: login of who says so; every row needs the right of the sender and of this user.
    """
    options = {**job.options, **told, "by": by, "checked": job.result.get("layout")}
    return begin_job(db=db, uid=job.uid, step=step, options=options, now=now)
