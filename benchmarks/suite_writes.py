"""Jobs of the table that write records one by one: by processes, through HTTP, beside an import."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report import Bar, Line
from benchmarks.runs import Run


def writes_job(run: Run) -> Iterator[Line]:
    """Single durable writes by two processes."""
    bar = Bar(per_second=200, p95_ms=100, clean=True)
    yield _writing(run, "single writes, 2 processes", bar, processes=2, links=200)


def http_job(run: Run) -> Iterator[Line]:
    """Single durable writes through HTTP: two workers, the clients on the same processors."""
    from benchmarks.http_clients import KINDS

    for kind, words in KINDS.items():
        yield over_http(run, kind, words)


def over_http(run: Run, kind: str, words: str) -> Line:
    """One kind of request, on a copy of the loaded books."""
    from benchmarks.http_writes import write_over_http

    run.say(f"  single writes through HTTP, {words}, {run.seconds:g} s")
    url = run.store.copy(run.loaded(), run.name("http"))
    shipments = str(run.files.shipments)
    try:
        found = write_over_http(
            url, shipments, kind=kind, clients=run.clients, seconds=run.seconds, links=200
        )
    finally:
        run.store.drop(url)
    errors = ", ".join(f"{count} {name}" for name, count in found["errors"].items())
    found["shown"] = (
        f"{found['per_second']:,.0f}/s, p50 {found['median_ms']:.0f} p95 {found['p95_ms']:.0f} "
        f"p99 {found['p99_ms']:.0f} ms"
    )
    return run.line(
        f"{words} by HTTP, 2 workers",
        bar=Bar(per_second=200, p95_ms=100, clean=True),
        figures=found,
        notes=(
            f"{found['clients']} clients on the same processors, {words} per request",
            f"{found['writes']:,} in {run.seconds:g} s, slowest {found['slowest_ms']:.0f} ms",
            f"processor time per request: server {found['server_cpu_ms']:.1f} ms, clients "
            f"{found['clients_cpu_ms']:.1f} ms (a PostgreSQL server beside it not counted)",
            f"errors: {errors or 'none'}",
            f"check afterwards: {found['faults']} faults",
        ),
    )


def concurrent_job(run: Run) -> Iterator[Line]:
    """Eight writers on the same few links: of loads alone, then of everything."""
    yield _writing(run, "concurrent writes, 8 on 4 links", Bar(clean=True), processes=8, links=4)
    yield _everything(run)


def _everything(run: Run) -> Line:
    """Loads, entries, decisions, corrections and reversals, a month closed half way."""
    from benchmarks.contended import write_everything

    job = "everything at once, 8 writers on 4 links"
    run.say(f"  {job}, {run.seconds:g} s")
    url = run.store.copy(run.loaded(), run.name("writes"))
    before = run.store.deadlocks(url)
    shipments = str(run.files.shipments)
    try:
        found = write_everything(url, shipments, processes=8, seconds=run.seconds, links=4)
        locked = run.store.deadlocks(url) - before
    finally:
        run.store.drop(url)
    errors = [f"{count} {name}" for name, count in found["errors"].items()]
    found["errors"] = {**found["errors"], **dict.fromkeys(found["lost"], 1)}
    found["shown"] = f"{found['per_second']:,.0f}/s, p95 {found['p95_ms']:.0f} ms"
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found["by_kind"].items())
    return run.line(
        job,
        bar=Bar(clean=True),
        figures=found,
        notes=(
            "service functions, no HTTP; one consignor, one material, one month",
            f"{found['writes']:,} in {found['seconds']:.0f} s ({kinds}), slowest "
            f"{found['slowest_ms']:.0f} ms",
            f"{found['second_answers']:,} second answers to a decision refused",
            f"month closed half way in {found['close_s']:.1f} s, {found['late']:,} entries booked "
            f"late; {found['reads']:,} reports read meanwhile",
            f"errors: {', '.join(errors) or 'none'}",
            f"lost or twice: {'; '.join(found['lost']) or 'none'}",
            f"deadlocks: {locked}",
            f"check afterwards: {found['faults']} faults",
        ),
    )


def _writing(run: Run, job: str, bar: Bar, *, processes: int, links: int) -> Line:
    from benchmarks.writers import write_singly

    run.say(f"  {job}, {run.seconds:g} s")
    url = run.store.copy(run.loaded(), run.name("writes"))
    before = run.store.deadlocks(url)
    try:
        found = write_singly(
            url,
            str(run.files.shipments),
            processes=processes,
            seconds=run.seconds,
            links=links,
        )
        locked = run.store.deadlocks(url) - before
    finally:
        run.store.drop(url)
    errors = ", ".join(f"{count} {name}" for name, count in found["errors"].items())
    found["shown"] = f"{found['per_second']:,.0f}/s, p95 {found['p95_ms']:.0f} ms"
    return run.line(
        job,
        bar=bar,
        figures=found,
        notes=(
            "service function, no HTTP",
            f"{found['writes']:,} in {run.seconds:g} s, slowest {found['slowest_ms']:.0f} ms",
            f"errors: {errors or 'none'}",
            f"deadlocks: {locked}",
            f"check afterwards: {found['faults']} faults",
        ),
    )


def beside_job(run: Run) -> Iterator[Line]:
    """Single writes while the file is imported, and imported again under other numbers."""
    from benchmarks.writers import write_beside

    run.say("  single writes beside an import")
    url = run.store.copy(run.template(), run.name("beside"))
    again = run.files.folder / "again.csv"
    try:
        found = write_beside(url, str(run.files.shipments), str(again), links=200)
    finally:
        run.store.drop(url)
        again.unlink(missing_ok=True)
    slowest = found["slowest_s"]
    found["shown"] = f"slowest {slowest[0]:.2f} s, {slowest[1]:.2f} s"
    found["slowest_ms"] = 1000 * max(slowest)
    errors = ", ".join(f"{count} {name}" for name, count in found["errors"].items())
    yield run.line(
        "single writes beside an import, then a second",
        bar=Bar(slowest_ms=1000, clean=True),
        figures=found,
        notes=(
            f"imports {found['seconds'][0]:.0f} s, {found['seconds'][1]:.0f} s",
            f"writes {found['written'][0]:,}, {found['written'][1]:,}",
            f"over a second {found['over_a_second'][0]}, {found['over_a_second'][1]}",
            f"errors: {errors or 'none'}",
            f"check afterwards: {found['faults']} faults",
        ),
    )
