"""What the panel beside the map says: scales, lists, what is not drawn and why; no HTML.

Names of users stay plain text until the template escapes them.
"""

from __future__ import annotations

from typing import Any, Final

from wasteflow_maps import geometry, style
from wasteflow_maps.content import bubble_group, group_name, place_name
from wasteflow_maps.layers import MapData
from wasteflow_maps.links import NOT_DRAWN, Link

LARGEST_LISTED: Final = 10
BUBBLES_LISTED: Final = 5
ROWS_LISTED: Final = 100
SCALE_PX: Final = 64.0
TEXT_PX: Final = 15.0


def panel(data: MapData, lang: str, parks: list[dict[str, Any]]) -> dict[str, Any]:
    """What the panel beside the map says, ready for the template; `parks` as in `payload`."""
    words = style.texts(lang)
    share = 100 // len(style.RATE_COLOURS)
    notes = [words["note_precision"]] if any(p["boundary"] is None for p in data.parks) else []
    if data.left_out:
        told = words["note_left_out"].replace(
            "{words}", data.left_out["en" if lang == "en" else "zh"]
        )
        mass = style.mass_text(data.left_out["kg"], lang)
        notes.insert(
            0, told.replace("{count}", str(data.left_out["count"])).replace("{mass}", mass)
        )
    if data.fanned:
        notes.append(words["note_fanned"].replace("{count}", str(data.fanned)))
    if data.by_park:
        notes.append(words["note_by_park"].replace("{limit}", str(data.max_links)))
    notes.append(words["note_no_border"])
    return {
        "steps": [
            (round(geometry.line_width_px(kg, data.largest_kg), 2), _round_mass(kg, lang))
            for kg in geometry.scale_steps_kg(data.largest_kg)
        ],
        "empty": _empty(data, lang),
        "partners": _partners(data, lang) if data.bubbles else None,
        "unlocated": _unlocated(data, lang),
        "classes": [(share * index, share * (index + 1)) for index in range(100 // share)],
        "parks": parks,
        "formula": words.get(f"formula_{data.formula}", data.formula),
        "basis": words.get(f"basis_{data.basis}", data.basis),
        "largest": [
            {
                "source": place_name(data, link.source, lang),
                "target": place_name(data, link.target, lang),
                "material": data.group_of[link.material],
                "mass": style.mass_text(link.kg, lang),
            }
            for link in data.links[:LARGEST_LISTED]
        ],
        "not_drawn": [_omitted(data, why, lang) for why in NOT_DRAWN if data.not_drawn[why]],
        "notes": notes,
    }


def _omitted(data: MapData, why: str, lang: str) -> dict[str, Any]:
    links, words = data.not_drawn[why], style.texts(lang)
    rest = links[ROWS_LISTED:]
    return {
        "why": why,
        "title": f"{words[f'why_{why}']} ({len(links)})",
        "mass": style.mass_text(sum(link.kg for link in links), lang),
        "rows": [
            (
                _way(data, link, why, lang),
                style.mass_text(link.kg, lang),
                data.group_of[link.material],
            )
            for link in links[:ROWS_LISTED]
        ],
        "more": words["and_more"].replace("{count}", str(len(rest))) if rest else "",
        "more_mass": style.mass_text(sum(link.kg for link in rest), lang),
    }


def _way(data: MapData, link: Link, why: str, lang: str) -> str:
    if why == "boundary":
        words = style.texts(lang)
        return f"{words[f'word_{link.source}']} → {words[f'word_{link.target}']}"
    if why == "within":
        return place_name(data, link.source, lang)
    return f"{place_name(data, link.source, lang)} → {place_name(data, link.target, lang)}"


def _round_mass(kg: int, lang: str) -> str:
    return style.mass_text(kg, lang).replace(".00 ", " ").replace(".0 ", " ")


def _empty(data: MapData, lang: str) -> str:
    """Why the map shows no flow and what to do about it; "" when it shows one."""
    words = style.texts(lang)
    if data.links or data.bubbles:
        return ""
    missed = data.not_drawn["unlocated"]
    if missed:
        return _filled(
            words["empty_unlocated"],
            links=len(missed),
            mass=style.mass_text(sum(link.kg for link in missed), lang),
            firms=len(data.unlocated_kg),
        )
    recorded = any(data.not_drawn.values())
    return _filled(words["empty_local" if recorded else "empty_nothing"], period=data.period)


def _partners(data: MapData, lang: str) -> dict[str, Any]:
    """The legend of the bubbles: sizes, the two directions, colours, the largest ones."""
    words = style.texts(lang)
    sums: dict[str, list[int]] = {}
    colours: dict[int, int] = {}
    for one in data.bubbles:
        way = sums.setdefault(one.way, [0, 0])
        way[0] += 1
        way[1] += one.kg
        group = bubble_group(data, one)
        colours[group] = colours.get(group, 0) + one.kg
    mixed = len(data.groups) - 1
    names = [group_name(group, lang) for group in data.groups[:mixed]]
    names.append(words["mixed_materials"])
    return {
        "sizes": _sizes(data, lang),
        "ways": [
            (
                way,
                _filled(words[f"partner_{way}_places"], count=sums[way][0]),
                style.mass_text(sums[way][1], lang),
            )
            for way in ("in", "out")
            if way in sums
        ],
        "colours": [
            (group, names[group], style.mass_text(colours[group], lang))
            for group in sorted(colours, key=lambda group: (group == mixed, -colours[group], group))
        ],
        "largest": [
            (
                one.way,
                bubble_group(data, one),
                place_name(data, one.place, lang),
                style.mass_text(one.kg, lang),
            )
            for one in data.bubbles[:BUBBLES_LISTED]
        ],
        "places": len({one.place for one in data.bubbles}),
        "mass": style.mass_text(sum(one.kg for one in data.bubbles), lang),
    }


def _sizes(data: MapData, lang: str) -> list[tuple[float, float, float, str]]:
    """Nested circles of the scale: (radius, top, height of the text, mass), in pixels."""
    rows: list[tuple[float, float, float, str]] = []
    level = SCALE_PX + TEXT_PX
    for kg in reversed(geometry.scale_steps_kg(data.largest_bubble_kg)):
        radius = round(geometry.bubble_radius_px(kg, data.largest_bubble_kg), 2)
        top = round(SCALE_PX - 2 * radius, 2)
        level = round(min(top + TEXT_PX / 2, level - TEXT_PX), 2)
        rows.append((radius, top, level, _round_mass(kg, lang)))
    return rows[::-1]


def _unlocated(data: MapData, lang: str) -> dict[str, Any] | None:
    """The firms whose missing coordinates keep flows from being lines, by the mass they miss."""
    words, rows = style.texts(lang), list(data.unlocated_kg.items())
    if not rows:
        return None
    rest = rows[ROWS_LISTED:]
    return {
        "title": f"{words['unlocated']} ({len(rows)})",
        "rows": [
            (place_name(data, key, lang), style.mass_text(kg, lang))
            for key, kg in rows[:ROWS_LISTED]
        ],
        "more": _filled(words["and_more"], count=len(rest)) if rest else "",
    }


def _filled(text: str, **values: object) -> str:
    for name, value in values.items():
        text = text.replace("{" + name + "}", str(value))
    return text
