"""A ledger check of our own for synthetic files: nothing of the product is used here but rows."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from wasteflow.synthetic import DemoData

Rows = list[dict[str, str]]
Stock = dict[tuple[str, str, str], Counter[str]]

MATERIALS = {"phosphogypsum", "steel_slag", "red_mud", "petroleum_coke"}


def kg(text: str) -> int:
    """Kilograms of "31.480"; anything but three places is an error."""
    if not text:
        return 0
    whole, places = text.split(".")
    assert len(places) == 3
    return int(whole) * 1000 + int(places)


def read(path: Path) -> Rows:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass
class Books:
    """One set of files in memory."""

    enterprises: Rows
    facilities: Rows
    entries: Rows
    shipments: Rows
    parks: Rows


def movements(shipments: Rows, entries: Rows) -> Stock:
    """Net kilograms per (compartment, firm, material) and month, by 3-architecture 3.2."""
    net: Stock = defaultdict(Counter)
    for row in shipments:
        stuff = row["material"]
        if row["kind"] == "delivery":
            month = row["dispatched_at"][:7]
            net["site", row["consignor"], stuff][month] -= kg(row["dispatched_t"])
        if row["received_at"]:
            month = row["received_at"][:7]
            net["site", row["consignee"], stuff][month] += kg(row["accepted_t"])
    for row in sorted(entries, key=lambda item: item["date"]):
        mass, month = kg(row["tonnes"]), row["date"][:7]
        site = net["site", row["enterprise"], row["material"]]
        yard = net["yard", row["enterprise"], row["material"]]
        match row["kind"]:
            case "generation":
                site[month] += mass
            case "opening":
                yard[month] += mass
            case "to_yard":
                site[month] -= mass
                yard[month] += mass
            case "from_yard":
                yard[month] -= mass
                site[month] += mass
            case "use" | "disposal":
                site[month] -= mass
            case "stocktake":
                yard[month] += mass - yard.total()
            case other:
                assert other == "treatment"
    return net


def negative(net: Stock) -> list[tuple[tuple[str, str, str], str, int]]:
    """Month ends at which a place holds less than nothing."""
    found = []
    for place, months in net.items():
        stock = 0
        for month in sorted(months):
            stock += months[month]
            if stock < 0:
                found.append((place, month, stock))
    return found


def check_shipments(shipments: Rows, last_day: str) -> None:
    """Rules of 4.5 that every load must keep, parents before children."""
    open_kg: dict[str, int] = {}
    parents: dict[str, dict[str, str]] = {}
    for row in shipments:
        assert row["doc_no"] not in parents
        parents[row["doc_no"]] = row
        sent = kg(row["dispatched_t"])
        assert 0 < sent <= 35_000 * int(row["loads"])
        assert row["remark"] == "synthetic" and row["material"] in MATERIALS
        assert row["dispatched_at"][:10] <= last_day
        assert (row["consignor"] == row["consignee"]) == (row["kind"] == "return")
        if row["received_at"]:
            assert (
                row["dispatched_at"] <= row["received_at"] and row["received_at"][:10] <= last_day
            )
            got = kg(row["received_t"])
            assert got == kg(row["accepted_t"]) + kg(row["refused_t"])
            assert row["reason"] or abs(got - sent) * 50 <= sent
            assert row["refused_t"] == "" or kg(row["refused_t"]) > 0
        else:
            assert not (row["received_t"] or row["accepted_t"] or row["refused_t"])
        if row["kind"] == "delivery":
            assert not row["parent_doc_no"]
            open_kg[row["doc_no"]] = kg(row["refused_t"])
        else:
            parent = parents[row["parent_doc_no"]]
            assert parent["kind"] == "delivery" and parent["consignor"] == row["consignor"]
            assert parent["material"] == row["material"]
            assert parent["received_at"] <= row["dispatched_at"]
            assert row["kind"] == "return" or row["consignee"] != parent["consignee"]
            open_kg[row["parent_doc_no"]] -= sent
    assert min(open_kg.values()) >= 0


def check_entries(entries: Rows, last_day: str) -> None:
    """Numbers unique, dates in range, opening rows first, routes where they are needed."""
    assert len({row["doc_no"] for row in entries}) == len(entries)
    first = min(row["date"] for row in entries)
    for row in entries:
        assert row["remark"] == "synthetic" and row["date"] <= last_day
        assert kg(row["tonnes"]) > 0 or row["kind"] == "stocktake"
        assert row["kind"] != "opening" or row["date"] == first
        assert bool(row["route"]) == (row["kind"] in {"use", "disposal", "treatment"})
        assert row["kind"] != "stocktake" or row["reason"] in {
            "moisture",
            "survey",
            "loss",
            "other",
        }


def check_facilities(books: Books | DemoData, facilities: Rows) -> None:
    """Every receiver has a facility with the route of the load; entries name their own facility."""
    fits = {(row["enterprise"], row["material"], row["route"]) for row in facilities}
    outside = {row["code"] for row in books.enterprises if row["external"] == "true"}
    for row in books.shipments:
        if row["consignee"] not in outside:
            assert (row["consignee"], row["material"], row["route"]) in fits, row
    place = {row["code"]: row for row in facilities}
    assert len(place) == len(facilities)
    for row in books.entries:
        if row["facility"]:
            facility = place[row["facility"]]
            assert facility["enterprise"] == row["enterprise"]
            assert facility["material"] == row["material"]
            assert row["kind"] not in {"opening", "stocktake"} or facility["kind"] == "storage"


def digest(folder: Path) -> dict[str, str]:
    """SHA-256 of every file."""
    files = sorted(folder.iterdir())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
