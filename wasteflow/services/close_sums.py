"""What a close stores beside its figures: attribution rows, digests over the firms of a park."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from sqlalchemy.orm import Session

from wasteflow.services.close_figures import CreditKey
from wasteflow.services.close_rows import add_credits, in_force
from wasteflow_models.closes import ENTERPRISE
from wasteflow_models.convert import Keys


def store_credits(
    session: Session, ids: Mapping[int, int], credits: Mapping[CreditKey, int]
) -> None:
    """The rows of a month with its own close, those of months closed before with the first."""
    first = min(ids)
    parts: dict[int, dict[CreditKey, int]] = {}
    for key, kg in credits.items():
        parts.setdefault(ids[max(key.month, first)], {})[key] = kg
    for close_id, part in sorted(parts.items()):
        add_credits(session, close_id, part)


def member_digests(
    session: Session, keys: Keys, firms: Iterable[str], month: int
) -> dict[str, str]:
    """Firm → digest of its close of a month that is in force."""
    wanted = {keys.id_of("enterprise", code): code for code in firms}
    rows = in_force(session, ENTERPRISE, month)
    return {
        wanted[row.organisation_id]: row.digest for row in rows if row.organisation_id in wanted
    }


def digest_of(members: Mapping[str, str]) -> str:
    """SHA-256 over the digests of the firms of a park, in order of code."""
    text = "\n".join(f"{code} {digest}" for code, digest in sorted(members.items()))
    return sha256(text.encode()).hexdigest()


def beyond(before: Mapping[CreditKey, int], now: Mapping[CreditKey, int]) -> dict[CreditKey, int]:
    """What the attribution says now beyond what earlier closes stored, signed."""
    return {
        key: kg
        for key in sorted(before.keys() | now.keys())
        if (kg := now.get(key, 0) - before.get(key, 0))
    }
