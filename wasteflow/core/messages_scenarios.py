"""Wording of codes about dependence and scenarios."""

from __future__ import annotations

from typing import Final

SCENARIO_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "bad_reroute": (
        "改投的接收方数须在 0 到 {limit} 之间，实为 {value}。请改正。",
        "the number of receivers to re-route must lie between 0 and {limit}, it is {value}",
    ),
    "not_rerouted": (
        "尚未计算改投。请点该接收方“计算改投”，或用参数 reroute、receiver 指定。",
        "re-routing was not computed; ask for it by the receiver's link, or with the parameters "
        "reroute and receiver",
    ),
    "nothing_used": (
        "期间内没有被认定的利用量，无法计算集中度。",
        "nothing was credited as used in the period, so there is no concentration",
    ),
}
"""Code → (Chinese, English)."""
