"""One HTML page of a map: folium draws the map, every asset is ours, no request leaves the page.

folium would link twelve files on foreign servers; its header is rewritten here by one table of
names.  Text of users reaches the page escaped (Jinja) or as JSON that scripts set as text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from html import escape
from html.parser import HTMLParser
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from wasteflow.core.collecting import no_collecting
from wasteflow_maps import MapError, style
from wasteflow_maps.assets import STATIC, asset_text
from wasteflow_maps.content import group_name, payload
from wasteflow_maps.layers import MapData
from wasteflow_maps.panel import panel

HEADER_ASSETS: Final[dict[str, str | None]] = {
    "leaflet": "leaflet.js",
    "leaflet_css": "leaflet.css",
    "jquery": None,
    "bootstrap": None,
    "bootstrap_css": None,
    "awesome_markers": None,
    "awesome_markers_css": None,
    "awesome_markers_font_css": None,
    "awesome_rotate_css": None,
    "glyphicons_css": None,
}
"""folium's name of a linked file -> our asset, or None for what our maps do not need."""

OWN_STYLE: Final = "wasteflow_map.css"
OWN_SCRIPTS: Final = ("arcs.js", "ground.js", "bubbles.js", "play.js", "flowmap.js", "picture.js")
ARROWS_PX: Final = (("s", 9), ("m", 14), ("l", 22))
_FOREIGN: Final = re.compile(r"\s*(?:\w+:)?//", re.IGNORECASE)


@no_collecting()
def render_map(
    data: MapData,
    *,
    lang: str,
    single_file: bool,
    asset_url: Callable[[str], str] | None,
    nonce: str | None,
    data_url: str | None = None,
    rows_url: str | None = None,
) -> str:
    """The whole HTML page of `data` in `lang` ("zh" or "en").

    With `data_url` the page is without what it draws: it loads `map_json` from there.
    With `rows_url` a link that is clicked leads there, its ends, material and month added.

    `single_file` puts every asset inline: the file works from disk without any request, so a
    basemap is left out of it.
    Otherwise `asset_url` gives the address of an asset name (`assets.asset_names()`) and `nonce`
    stands on every script and style element.  Raises MapError for a folium asset without a local
    file, for missing browser files, and when a foreign address were left in the page.
    """
    if not single_file and asset_url is None:
        raise ValueError("asset_url is needed unless single_file")
    names, map_html, map_script = _draw(data, lang, tiles=not single_file)
    content = payload(data, lang)
    words = style.texts(lang)
    nonce_attr = Markup(f' nonce="{escape(nonce)}"') if nonce else Markup("")
    sheets = [name for name in (*names, OWN_STYLE) if name.endswith(".css")]
    scripts = [name for name in (*names, *OWN_SCRIPTS) if name.endswith(".js")]
    colours = style.material_css(group["colour"] for group in data.groups)
    if not single_file:
        assert asset_url is not None
        linked = {name: escape(asset_url(name)) for name in (*sheets, *scripts)}
        styles = [f'<link rel="stylesheet" href="{linked[name]}"{nonce_attr}>' for name in sheets]
        tags = [f'<script src="{linked[name]}"{nonce_attr}></script>' for name in scripts]
    else:
        styles = [f"<style{nonce_attr}>{asset_text(name)}</style>" for name in sheets]
        tags = [f"<script{nonce_attr}>{asset_text(name)}</script>" for name in scripts]
    styles.append(f"<style{nonce_attr}>{colours}</style>")
    if data_url is not None:
        map_script = f"wasteflow.ready(function () {{\n{map_script}\n}});"
    tags.append(f"<script{nonce_attr}>{map_script}</script>")
    page = _template().render(
        lang="en" if lang == "en" else "zh",
        t=words,
        data=data,
        total=style.mass_text(sum(link.kg for link in data.links), lang),
        styles=[Markup(tag) for tag in styles],
        scripts=[Markup(tag) for tag in tags],
        map_html=Markup(map_html),
        nonce_attr=nonce_attr,
        payload=Markup(_safe_json(content)) if data_url is None else "",
        data_url=data_url,
        rows_url=rows_url,
        arrows=ARROWS_PX,
        share=content["views"]["share"],
        **panel(data, lang, content["parks"]),
    )
    refuse_foreign(page)
    return page


def map_json(data: MapData, lang: str) -> str:
    """What a page rendered with `data_url` loads from there: JSON, names of users as plain text."""
    return _safe_json(payload(data, lang))


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(STATIC), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html")


def _draw(data: MapData, lang: str, *, tiles: bool) -> tuple[list[str], str, str]:
    """(local assets of the header, HTML of the map, its script), drawn by folium."""
    import folium

    chart = folium.Map(
        location=[25.0, 102.5],
        zoom_start=8,
        tiles=None,
        zoom_control=False,
        max_zoom=16,
        min_zoom=2,
        zoom_snap=0.25,
        maxZoom=16,
        minZoom=2,
    )
    # Random ids would make two renderings of one map differ.
    chart._id = "wasteflow"
    ground = _add_tiles(chart, data.basemap, lang) if tiles and data.basemap is not None else ""
    words = style.texts(lang)
    if data.parks:
        chart.add_child(_script_layer("parks", _layer_name("wf-ring", words["parks"], ""), "parks"))
    sums = [0] * len(data.groups)
    for link in data.links:
        sums[data.group_of[link.material]] += link.kg
    for index, kg in enumerate(sums):
        if kg:
            name, total = group_name(data.groups[index], lang), style.mass_text(kg, lang)
            label = _layer_name(f"wf-key wf-m{index}", name, total)
            chart.add_child(_script_layer(f"material_{index}", label, index))
    if data.bubbles:
        total = style.mass_text(sum(one.kg for one in data.bubbles), lang)
        label = _layer_name("wf-bubble-key", words["partner_layer"], total)
        chart.add_child(_script_layer("bubbles", label, "bubbles"))
    marks = words["park_marks" if data.by_park else "enterprises"]
    chart.add_child(_script_layer("points", _layer_name("wf-dot", marks, ""), "points"))
    control = folium.LayerControl(collapsed=False)
    control._id = "wasteflow"
    chart.add_child(control)
    figure: Any = chart.get_root()
    for child in figure._children.values():
        child.render()
    scripts = {name: part.render() for name, part in figure.script._children.items()}
    _refuse_foreign_script("".join(text for name, text in scripts.items() if name != ground))
    # Last, when the layer control exists: flowmap.js moves it into the panel.
    start = f"wasteflow.start({control.get_name()});"
    return local_header(figure), figure.html.render(), "\n".join([*scripts.values(), start])


def _script_layer(name: str, label: str, what: str | int) -> Any:
    """A folium layer whose content flowmap.js draws; `label` is HTML for the layer control."""
    import folium.map

    layer: Any = folium.map.Layer(name=label, overlay=True, control=True, show=True)
    layer._name, layer._id = "flow_layer", name
    layer.what = _safe_json(what)
    layer._template = _layer_template()
    return layer


@cache
def _layer_template() -> Any:
    from folium.template import Template as FoliumTemplate

    return FoliumTemplate(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = "
        "wasteflow.layer({{ this._parent.get_name() }}, {{ this.what }});"
        "{% endmacro %}"
    )


def _layer_name(mark: str, name: str, total: str) -> str:
    """Name of a layer as Leaflet wants it, HTML, with everything of a user escaped."""
    extra = f'<span class="wf-sum">{escape(total)}</span>' if total else ""
    text = escape(name)
    return f'<i class="{mark}"></i><span class="wf-name" title="{text}">{text}</span>{extra}'


def _add_tiles(chart: Any, basemap: Mapping[str, Any], lang: str) -> str:
    """Put the operator's basemap under everything; answers the name of its element."""
    import folium

    approval = f"{style.texts(lang)['approval']} {basemap['approval_no']}"
    tiles = folium.TileLayer(
        tiles=str(basemap["url"]),
        attr=f"{escape(str(basemap['attribution']))} · {escape(approval)}",
        control=False,
        max_zoom=16,
    )
    tiles._id = "wasteflow"
    chart.add_child(tiles)
    return str(tiles.get_name())


def local_header(figure: Any) -> list[str]:
    """Our asset for every file that folium links, in its order; an unknown one is an error."""
    from branca.element import CssLink, JavascriptLink

    found: list[str] = []
    for name, element in figure.header._children.items():
        if not isinstance(element, CssLink | JavascriptLink):
            continue  # viewport and sizes: the page has its own
        if name not in HEADER_ASSETS:
            raise MapError(
                "map_unknown_asset",
                zh=f"地图组件引用了没有本地副本的文件 {name!r}",
                en=f"folium links the file {name!r}, which has no local copy",
            )
        local = HEADER_ASSETS[name]
        if local is not None:
            found.append(local)
    return found


def _safe_json(value: Any) -> str:
    """JSON that can stand inside a script element whatever text it holds."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


class _Addresses(HTMLParser):
    """Collects every address an element of the page would load or lead to, and all style text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "action", "poster") and value:
                self.found.append(value)
            if name.startswith("on"):
                self.found.append(f"//inline.handler {name}")

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if self._style:
            self.found += re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s;]+)", data)


def refuse_foreign(page: str) -> None:
    """Raise MapError if an element or a style sheet of the page names another server.

    Names that users gave are not searched: they are text and load nothing.
    """
    parser = _Addresses()
    parser.feed(page)
    parser.close()
    _raise_foreign([address for address in parser.found if _FOREIGN.match(address)])


def _refuse_foreign_script(script: str) -> None:
    """The same for what folium wrote, but the basemap that the operator configured."""
    _raise_foreign(re.findall(r"(?:https?:)?//[\w-]+\.[^\s\"'<]+", script))


def _raise_foreign(addresses: list[str]) -> None:
    if addresses:
        raise MapError(
            "map_foreign_address",
            zh=f"地图页含有站外地址：{addresses[0]}",
            en=f"the map page names a foreign address: {addresses[0]}",
        )
