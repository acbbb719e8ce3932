"""The other side of reports: pandas, DuckDB, NetworkX and folium scripts on the same files.

Written as a competent person would without wasteflow: only the columns needed, typed readers,
vectorised steps.  They skip what needs a ledger (tracing, yards, stocks), which favours them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import networkx as nx
import pandas as pd

from benchmarks.measuring import Prepared

LINK = ["consignor", "consignee", "material", "route"]
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """First and last month of a period, as in the files: 2025-01."""

    first: str
    last: str


# --- pandas --------------------------------------------------------------------------------


def _kg(tonnes: pd.Series[float]) -> pd.Series[int]:
    return (tonnes * 1000).round().fillna(0).astype("int64")


def _quarter(month: pd.Series[str]) -> pd.Series[str]:
    return month.str[:4] + "Q" + ((month.str[5:7].astype("int8") + 2) // 3).astype(str)


def _accepted(shipments: str, span: Span) -> pd.DataFrame:
    """Loads accepted by another firm within the span, with `month` and `kg`."""
    loads = pd.read_csv(shipments, usecols=[*LINK, "received_at", "accepted_t"])
    loads = loads[loads.received_at.notna() & (loads.consignor != loads.consignee)]
    loads["month"] = loads.received_at.str[:7]
    loads = loads[(loads.month >= span.first) & (loads.month <= span.last)]
    loads["kg"] = _kg(loads.accepted_t)
    return loads


def pandas_rates(
    shipments: str, entries: str, enterprises: str, routes: str, first: str, last: str
) -> Prepared:
    """From the CSV files: accepted for use over generated, by the consignor's park."""

    def run() -> pd.DataFrame:
        firms = pd.read_csv(enterprises, usecols=["code", "park"]).set_index("code").park
        known = pd.read_csv(routes, usecols=["code", "fate"])
        use = set(known.code[known.fate == "use"])
        loads = _accepted(shipments, Span(first, last))
        loads = loads[loads.route.isin(use)]
        made = pd.read_csv(
            entries, usecols=["enterprise", "kind", "material", "date", "tonnes", "from_use"]
        )
        made = made[(made.kind == "generation") & made.from_use.isna()]
        made["month"] = made.date.str[:7]
        made = made[(made.month >= first) & (made.month <= last)]
        made["kg"] = _kg(made.tonnes)
        sums = {
            name: frame.assign(park=frame[firm].map(firms), quarter=_quarter(frame.month))
            .groupby(["park", "material", "quarter"])
            .kg.sum()
            for name, frame, firm in (("used", loads, "consignor"), ("made", made, "enterprise"))
        }
        table = pd.DataFrame(sums).fillna(0).astype("int64")
        table["rate"] = table.used / table.made
        return table

    return Prepared(run, lambda table: _rate_facts(table.itertuples()), warm=run)


def _rate_facts(rows: Any) -> Facts:
    """rows: ((park, material, quarter), used kg, made kg, …)."""
    found = {"|".join(row[0]): (int(row[1]), int(row[2])) for row in rows}
    return {
        "rows": len(found),
        "accepted": {key: used for key, (used, _) in sorted(found.items()) if used},
        "generated": {key: made for key, (_, made) in sorted(found.items()) if made},
    }


def pandas_graph(shipments: str, first: str, last: str) -> Prepared:
    """From the CSV file: accepted kilograms and loads per link, material and route."""

    def run() -> nx.MultiDiGraph[str]:
        groups = _accepted(shipments, Span(first, last)).groupby(LINK).kg
        sums = groups.agg(["sum", "size"])
        return _linked(sums.reset_index().itertuples(index=False, name=None))

    return Prepared(run, _graph_facts, warm=run)


def _linked(rows: Any) -> nx.MultiDiGraph[str]:
    """rows: consignor, consignee, material, route, kg, loads."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for source, target, material, route, kg, loads in rows:
        key = f"{material}/{route}"
        graph.add_edge(source, target, key, material=material, route=route, kg=kg, loads=loads)
    return graph


def _graph_facts(graph: nx.MultiDiGraph[str]) -> Facts:
    edges = {
        f"{source}|{target}|{key}": int(data["kg"])
        for source, target, key, data in graph.edges(keys=True, data=True)
        if data["kg"]
    }
    return {"all_edges": graph.number_of_edges(), "edges": dict(sorted(edges.items()))}


def add_edges(shipments: str, first: str, last: str) -> Prepared:
    """The floor of a graph: add_edge for links that are known already."""
    groups = _accepted(shipments, Span(first, last)).groupby(LINK).kg.agg(["sum", "size"])
    rows = list(groups.reset_index().itertuples(index=False, name=None))
    return Prepared(lambda: _linked(rows), _graph_facts, warm=lambda: _linked(rows))


# --- the roll-up again ---------------------------------------------------------------------

FLOW = ["month", *LINK]


def pandas_check(shipments: str, store: str) -> Prepared:
    """Aggregate the CSV file again and compare it with a stored roll-up (made by DuckDB)."""
    stored = Path(store)
    with duckdb.connect(str(stored), read_only=True) as connection:
        kept = connection.execute(
            "SELECT month, consignor, consignee, material, route, sum(kg)::BIGINT AS kg,"
            " count(*) AS n FROM loads WHERE month IS NOT NULL GROUP BY ALL ORDER BY ALL"
        ).df()
    flow = stored.with_suffix(".rollup.csv")
    kept.to_csv(flow, index=False)

    def run() -> tuple[int, int]:
        loads = pd.read_csv(shipments, usecols=[*LINK, "received_at", "accepted_t"])
        rows = len(loads)
        loads = loads[loads.received_at.notna()]
        loads["month"], loads["kg"] = loads.received_at.str[:7], _kg(loads.accepted_t)
        again = loads.groupby(FLOW).kg.agg(["sum", "size"])
        before = pd.read_csv(flow).set_index(FLOW)[["kg", "n"]].sort_index()
        if not again.index.equals(before.index):
            return rows, len(again.index.symmetric_difference(before.index))
        return rows, int((again.to_numpy() != before.to_numpy()).any(axis=1).sum())

    return Prepared(run, lambda found: {"rows": found[0], "faults": found[1]}, warm=run)


# --- DuckDB --------------------------------------------------------------------------------


def duck_file(shipments: str, entries: str, enterprises: str, routes: str, store: str) -> Prepared:
    """Typed DuckDB tables of the files, made once; every query below scans them whole."""

    def run() -> int:
        Path(store).unlink(missing_ok=True)
        with duckdb.connect(store) as connection:
            for name, query, path in (
                ("loads", _LOADS, shipments),
                ("entries", _ENTRIES, entries),
                ("firms", "SELECT code, park FROM read_csv(?, header=true)", enterprises),
                ("routes", "SELECT code, fate FROM read_csv(?, header=true)", routes),
            ):
                connection.execute(f"CREATE TABLE {name} AS {query}", [path])
            found = connection.execute("SELECT count(*) FROM loads").fetchone()
        return int(found[0]) if found else 0

    return Prepared(run, lambda rows: {"rows": rows})


_LOADS = """SELECT doc_no, consignor, consignee, material, route,
  dispatched_at[:7] AS sent_month, received_at[:7] AS month, kind,
  round(dispatched_t * 1000)::BIGINT AS sent_kg, round(accepted_t * 1000)::BIGINT AS kg
  FROM read_csv(?, header=true, sample_size=-1,
    types={'dispatched_at': 'VARCHAR', 'received_at': 'VARCHAR', 'accepted_t': 'DOUBLE',
           'dispatched_t': 'DOUBLE'})"""
_ENTRIES = """SELECT enterprise, kind, material, date[:7] AS month, from_use,
  round(tonnes * 1000)::BIGINT AS kg
  FROM read_csv(?, header=true, sample_size=-1, types={'date': 'VARCHAR', 'from_use': 'VARCHAR'})"""

_QUARTER = "month[:4] || 'Q' || ((month[6:7]::INT + 2) // 3)"
_RATES = f"""WITH used AS (
    SELECT park, material, {_QUARTER} AS quarter, sum(kg)::BIGINT AS used
    FROM loads JOIN firms ON firms.code = consignor
    WHERE month BETWEEN $first AND $last AND consignor <> consignee
      AND route IN (SELECT code FROM routes WHERE fate = 'use') GROUP BY ALL),
  made AS (
    SELECT park, material, {_QUARTER} AS quarter, sum(kg)::BIGINT AS made
    FROM entries JOIN firms ON firms.code = enterprise
    WHERE kind = 'generation' AND from_use IS NULL AND month BETWEEN $first AND $last
    GROUP BY ALL)
  SELECT park, material, quarter, coalesce(used, 0), coalesce(made, 0), used / made
  FROM used FULL JOIN made USING (park, material, quarter) ORDER BY ALL"""
_GRAPH = """SELECT consignor, consignee, material, route, sum(kg)::BIGINT, count(*)
  FROM loads WHERE month BETWEEN $first AND $last AND consignor <> consignee
  GROUP BY ALL ORDER BY ALL"""


def duck_rates(store: str, first: str, last: str) -> Prepared:
    """The same rates by one query over the tables."""
    connection = duckdb.connect(store, read_only=True)

    def run() -> list[tuple[Any, ...]]:
        return connection.execute(_RATES, {"first": first, "last": last}).fetchall()

    def facts(rows: list[tuple[Any, ...]]) -> Facts:
        return _rate_facts((row[:3], row[3], row[4]) for row in rows)

    return Prepared(run, facts, warm=run, end=connection.close)


def duck_graph(store: str, first: str, last: str) -> Prepared:
    """The links by one query, then add_edge for each."""
    connection = duckdb.connect(store, read_only=True)

    def run() -> nx.MultiDiGraph[str]:
        rows = connection.execute(_GRAPH, {"first": first, "last": last}).fetchall()
        return _linked(rows)

    return Prepared(run, _graph_facts, warm=run, end=connection.close)


# --- folium --------------------------------------------------------------------------------


def folium_map(shipments: str, enterprises: str, first: str, last: str, links: int) -> Prepared:
    """A PolyLine with a popup per link; the links are summed up outside the clock."""
    import folium

    firms = pd.read_csv(enterprises, usecols=["code", "name_zh", "lon", "lat"]).set_index("code")
    loads = _accepted(shipments, Span(first, last))
    sums = loads.groupby(LINK[:3]).kg.sum()
    sums = sums[sums > 0].sort_values(ascending=False, kind="stable").head(links)
    rows = [(*key, int(kg)) for key, kg in zip(sums.index.tolist(), sums, strict=True)]
    place = {code: (row.lat, row.lon) for code, row in firms.iterrows()}
    name = firms.name_zh.to_dict()

    def run() -> str:
        chart = folium.Map(location=[25.0, 102.5], zoom_start=8, tiles=None)
        for source, target, material, kg in rows:
            popup = f"{name[source]} → {name[target]}<br>{material}<br>{kg / 1000:,.3f} t"
            width = max(1.0, (kg / 1e6) ** 0.5)
            line: Any = folium.PolyLine
            line([place[source], place[target]], weight=width, popup=popup).add_to(chart)
        page: str = chart.get_root().render()
        return page

    def facts(page: str) -> Facts:
        return {"links": len(rows), "kg": sum(row[-1] for row in rows), "bytes": len(page.encode())}

    return Prepared(run, facts, warm=run)
