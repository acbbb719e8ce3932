"""Which links of a flow report are shown: waste class, least mass, evidence; pure, no rows read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from wasteflow.core.registry import Registry
from wasteflow.core.units import tonnes_text
from wasteflow.core.vocabulary import EVIDENCE, LABELS

GRADES: Final = ("disputed", "estimated", "imported", "one_sided", "both")
"""Evidence as it is chosen, worst first."""
EdgeKey = tuple[str, str, str, str]
"""Source node, target node, material, route."""


def edge_key(edge: Mapping[str, Any]) -> EdgeKey:
    """What an edge of a flow report is known by."""
    return edge["source"], edge["target"], edge["material"], str(edge["route"] or "")


def worst_evidence(evidence: Mapping[str, int]) -> str:
    """The worst grade among kilograms by grade, "" where none is known.

    >>> worst_evidence({"both": 5, "one_sided": 1, "disputed": 0})
    'one_sided'
    """
    known = [word for word, kg in evidence.items() if kg and word in EVIDENCE]
    return max(known, key=lambda word: EVIDENCE[word], default="")


class FlowFilter(Struct, frozen=True):
    """Links with a waste class, at least so many kilograms, a worst grade; blank lets all pass."""

    waste_class: str = ""
    least_kg: int = 0
    evidence: str = ""

    @property
    def blank(self) -> bool:
        """True if everything passes."""
        return self == FlowFilter()

    @property
    def words(self) -> tuple[str, str]:
        """The filter in Chinese and in English, as it stands on the map and in its files.

        >>> FlowFilter("大宗", 500_000, "one_sided").words[1]
        '大宗 · ≥ 500 t · one sided'
        """
        mass = tonnes_text(self.least_kg)
        mass = mass.rstrip("0").rstrip(".") if "." in mass else mass
        grade = (
            (LABELS["evidence"][self.evidence], self.evidence.replace("_", " "))
            if self.evidence
            else ("", "")
        )
        zh, en = (
            " · ".join(
                word
                for word in (self.waste_class, f"≥ {mass} {unit}" if self.least_kg else "", told)
                if word
            )
            for told, unit in zip(grade, ("吨", "t"), strict=True)
        )
        return zh, en

    def passes(
        self, registry: Registry, material: str, kg: int, evidence: Mapping[str, int]
    ) -> bool:
        """Whether a link of these figures is shown."""
        known = registry.materials.get(material)
        right = not self.waste_class or (
            known is not None and known.waste_class == self.waste_class
        )
        graded = not self.evidence or worst_evidence(evidence) == self.evidence
        return right and graded and kg >= self.least_kg

    def of_report(self, registry: Registry, report: Mapping[str, Any]) -> dict[str, Any]:
        """A flow report with the edges that pass; its nodes stay, they are the places of a map."""
        edges = [
            edge
            for edge in report["edges"]
            if self.passes(registry, edge["material"], edge["kg"], edge["evidence"])
        ]
        return {**report, "edges": edges}


def waste_classes(registry: Registry) -> list[str]:
    """Classes of the materials of a registry, in order."""
    return sorted({item.waste_class for item in registry.materials.values() if item.waste_class})
