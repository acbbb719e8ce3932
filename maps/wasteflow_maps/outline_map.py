"""A small map of outlines, old beside new, before they are kept; every asset is ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final

import shapely
from shapely.geometry import shape

from wasteflow_maps.geo_repair import simplified
from wasteflow_maps.page import local_header, refuse_foreign

OLD: Final = {"color": "#b45309", "weight": 2, "dashArray": "6 5", "fillOpacity": 0.04}
NEW: Final = {"color": "#1f6f8b", "weight": 3, "fillOpacity": 0.18}
_STYLE: Final = (
    "html,body{margin:0;height:100%;font:14px system-ui,sans-serif}"
    "#map_outlines{position:absolute;inset:0;background:#eef2f4}"
)
_DARK: Final = (
    ":root{color-scheme:dark}#map_outlines{background:#0c1217}"
    f"path[stroke='{OLD['color']}']{{stroke:#f0a35c;fill:#f0a35c}}"
    f"path[stroke='{NEW['color']}']{{stroke:#6cc4e4;fill:#6cc4e4}}"
    ".leaflet-bar a,.leaflet-bar a:hover,.leaflet-control-scale-line,.leaflet-tooltip"
    "{background:#151d24;color:#e8eef2;border-color:#3b4955}"
    ".leaflet-control-scale-line{text-shadow:none}"
    ".leaflet-bar a.leaflet-disabled{background:#151d24;color:#6c7a86}"
)
_THEMED: Final = {
    "light": _STYLE,
    "dark": _STYLE + _DARK,
    "auto": f"{_STYLE}@media (prefers-color-scheme: dark){{{_DARK}}}",
}


def in_script(words: str) -> str:
    """Text for HTML that folium puts into a template literal of a script.

    >>> in_script("<b>${1}`")
    '&lt;b&gt;&#36;{1}&#96;'
    """
    found = escape(words)
    for letter in "\\`$":
        found = found.replace(letter, f"&#{ord(letter)};")
    return found


def render_outlines(
    pairs: Sequence[tuple[str, Mapping[str, Any] | None, Mapping[str, Any]]],
    *,
    lang: str,
    asset_url: Callable[[str], str],
    nonce: str,
    theme: str = "auto",
) -> str:
    """The HTML page of (name, old outline or None, new outline), GeoJSON in degrees (lon, lat).

    theme: "light", "dark", or "auto" for what the system prefers.
    Raises MapError for an asset without a local file or a foreign address in the page.
    """
    import folium

    chart = folium.Map(
        tiles=None, control_scale=True, max_zoom=18, maxZoom=18, attributionControl=False
    )
    chart._id = "outlines"
    drawn = []
    for number, (name, old, new) in enumerate(pairs):
        for word, outline, style in (("old", old, OLD), ("new", new, NEW)):
            if outline is None:
                continue
            drawn.append(shape(dict(outline)))
            layer = folium.GeoJson(
                simplified(outline),
                style_function=lambda _, style=style: style,
                tooltip=folium.Tooltip(in_script(name)) if word == "new" else None,
            )
            layer._id = f"{word}_{number}"
            chart.add_child(layer)
    west, south, east, north = shapely.union_all([item.envelope for item in drawn]).bounds
    chart.fit_bounds([[south, west], [north, east]], padding=(24, 24))
    figure: Any = chart.get_root()
    for child in figure._children.values():
        child.render()
    script = "\n".join(part.render() for part in figure.script._children.values())
    script = script.replace("L.control.scale()", "L.control.scale({imperial: false})")
    names = local_header(figure)
    mark = f' nonce="{escape(nonce)}"'
    links = [
        f'<link rel="stylesheet" href="{escape(asset_url(name))}"{mark}>'
        for name in names
        if name.endswith(".css")
    ]
    tags = [
        f'<script src="{escape(asset_url(name))}"{mark}></script>'
        for name in names
        if name.endswith(".js")
    ]
    page = (
        f'<!DOCTYPE html><html lang="{"en" if lang == "en" else "zh-CN"}"><head>'
        f'<meta charset="utf-8"><title>outlines</title>{"".join(links)}'
        f"<style{mark}>{_THEMED[theme]}</style></head><body>"
        f'<div id="map_outlines"></div>{"".join(tags)}<script{mark}>{script}</script></body></html>'
    )
    refuse_foreign(page)
    return page
