"""The life cycle of a load: what is open in a state, for whom, and the error that says so.

Services, API, pages, documentation and tests read the same rows (`move_table.RULES`); nothing else
says what is allowed.  The state itself is the fold of the events (`records`).
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from wasteflow.core.actors import Actor, Subject
from wasteflow.core.errors import RuleBroken
from wasteflow.core.messages import CHINESE_WORDS
from wasteflow.core.move_table import CONTINUOUS, RULES, Flags, Move, Rule
from wasteflow.core.permissions import TABLE, Denied, Standing, Verdict, require, standings
from wasteflow.core.vocabulary import LoadState

__all__ = [
    "CONTINUOUS",
    "RULES",
    "USUAL_WAITS",
    "Flags",
    "IllegalMove",
    "Move",
    "Rule",
    "Waits",
    "demand",
    "legal_moves",
    "may",
    "rule_for",
]


class Waits(Struct, frozen=True):
    """Days to wait: before a dispute is settled, after a reminder before a one-sided close, and
    until an open refused part becomes a finding; each is a setting.
    """

    settle_days: int = 15
    close_days: int = 10
    refused_days: int = 30


USUAL_WAITS: Final = Waits()
"""The waits where no setting says otherwise."""


class IllegalMove(RuleBroken):
    """The state of the load does not allow the move; `legal` are the rules that are open now."""

    def __init__(self, move: Move, state: LoadState, legal: tuple[Rule, ...]) -> None:
        self.move, self.state, self.legal = move, state, legal
        super().__init__(
            "illegal_move", move=move.value, state=state.value, legal=_told(legal, "en")
        )

    def text(self, lang: str = "zh") -> str:
        """The wording in `lang`, with the moves and parties in that language."""
        return RuleBroken("illegal_move", **{**self.params, "legal": _told(self.legal, lang)}).text(
            lang
        )

    def moves(self) -> list[dict[str, Any]]:
        """The open moves and who may make them, as data."""
        return [
            {"move": rule.move.value, "who": sorted(standing.value for standing in rule.who)}
            for rule in self.legal
        ]


def _told(rules: tuple[Rule, ...], lang: str) -> str:
    """ "decide (consignee), cancel (consignor, park)" """
    zh = lang == "zh"
    if not rules:
        return "无，此单已了结" if zh else "nothing, the load is at its end"
    moves, sides = CHINESE_WORDS["move"], CHINESE_WORDS["standing"]
    return ("；" if zh else "; ").join(
        f"{moves[rule.move]}（{'、'.join(sides[who] for who in sorted(rule.who))}）"
        if zh
        else f"{rule.move} ({', '.join(sorted(rule.who))})"
        for rule in rules
    )


def legal_moves(state: LoadState, flags: Flags) -> tuple[Rule, ...]:
    """The rules that are open for a load now, in order of the table.

    >>> [rule.move.value for rule in legal_moves(LoadState.ISSUED, Flags())]
    ['dispatch', 'cancel', 'remind', 'close_one_sided']
    """
    return tuple(rule for rule in RULES if rule.open_in(state, flags))


def rule_for(move: Move, state: LoadState, flags: Flags) -> Rule:
    """The open rule of a move; raises IllegalMove that names the others."""
    legal = legal_moves(state, flags)
    for rule in legal:
        if rule.move is move:
            return rule
    raise IllegalMove(move, state, legal)


def may(actor: Actor | None, rule: Rule, subject: Subject) -> bool:
    """Whether an actor may make an open move (the permission table, narrowed to its sides)."""
    try:
        demand(actor, rule, subject)
    except Denied:
        return False
    return True


def demand(actor: Actor | None, rule: Rule, subject: Subject) -> None:
    """Raise Denied unless the actor may make the move of `rule`."""
    require(actor, rule.right, subject)
    if actor is not None and rule.sides and not _standing(actor, rule, subject):
        raise Denied(Verdict.NOT_ONES_RIGHT, rule.right)


def _standing(actor: Actor, rule: Rule, subject: Subject) -> frozenset[Standing]:
    held = standings(actor, subject) & TABLE[rule.right]
    return frozenset(standing for _, standing in held) & rule.who
