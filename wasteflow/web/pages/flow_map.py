"""`/map`: the flow map in a frame of our own origin, its data, and the map as one offline file."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, abort, make_response, render_template, request

from wasteflow.core.flow_filter import GRADES
from wasteflow.core.geodesy import CRS_NAMES, WGS84
from wasteflow.core.periods import Period, month_text
from wasteflow.exports import GEO_ENDINGS
from wasteflow.mapping import LEVELS, LINKS, map_of
from wasteflow.web.access import books
from wasteflow.web.answers import once
from wasteflow.web.assets import themed_url
from wasteflow.web.formats import month_words, period_words
from wasteflow.web.pages.flow_words import AskedFlows, asked_flows
from wasteflow.web.pages.map_table import map_table
from wasteflow.web.pages.tables import file_response, wants_file
from wasteflow.web.pages.view import View, read_view
from wasteflow.web.report_files import geodata_file
from wasteflow.web.security import nonce
from wasteflow.web.texts import lang, text, theme
from wasteflow_maps.layers import MapData
from wasteflow_maps.page import map_json, render_map

APART = 300
"""A map of more lines and bubbles than this loads them after the page."""


def show() -> str | Response:
    """The map inside the frame of the site, its filters in the address, and the same as a table."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    asked = asked_flows(view)
    page = map_table(view, data_of(view), asked.kept)
    if wants_file():
        return file_response(page, f"wasteflow-map-{view.span.text}", text, view.books.synthetic)
    body = render_template(
        "map.html",
        view=view,
        level=_level(view),
        links=_links(),
        links_of=LINKS,
        default=LINKS[0],
        datums=CRS_NAMES,
        asked=asked,
        filter_words=[word for word in (asked.filter.words[lang() == "en"],) if word],
        grades=GRADES,
        few=_few(view, asked),
        state=_state(),
        page=page,
        args=request.args,
    )
    return make_response(body, 422 if asked.problem else 200)


def _few(view: View, asked: AskedFlows) -> dict[str, str]:
    """What the addresses of the map's parts carry beside the view."""
    links = _links()
    return {
        "level": _level(view),
        "links": str(links) if links != LINKS[0] else "",
        **asked.kept,
    }


def _state() -> str:
    """The hash that tells the frame which month is shown and which layers are hidden."""
    asked = {name: request.args.get(name, "") for name in ("month", "hide")}
    return urlencode({name: word[:200] for name, word in asked.items() if word})


def frame() -> str:
    """The map page itself, with the nonce of this response."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    shown = data_of(view)
    apart = len(shown.links) + len(shown.bubbles) > APART
    few = _few(view, asked_flows(view))
    return render_map(
        shown,
        lang=lang(),
        single_file=False,
        asset_url=lambda name: themed_url(name, theme()),
        nonce=nonce(),
        data_url=view.address("map_data", **few) if apart else None,
        rows_url=view.address("flows", **asked_flows(view).kept),
    )


def data() -> Response | str:
    """What the map draws, for a page that loads it after itself."""
    view = read_view()
    if view.empty:
        abort(404)
    return Response(map_json(data_of(view), lang()), mimetype="application/json")


def file() -> Response | str:
    """The map as one HTML file that works from disk without internet."""
    view = read_view()
    if view.empty:
        return render_template("empty.html", view=view)
    page = render_map(data_of(view), lang=lang(), single_file=True, asset_url=None, nonce=None)
    response = make_response(page)
    name = f"wasteflow-map-{view.span.text}.html"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _level(view: View) -> str:
    """The level asked for; firms where a park would add up what is not the asker's to read."""
    word = request.args.get("level", "")
    level = word if word in LEVELS else LEVELS[0]
    parks = {view.registry.park_of(firm) for firm in view.firms}
    if level == "park" and not view.open_nodes(f"park:{park}" for park in parks):
        return "enterprise"
    return level


def geodata() -> Response:
    """Parks, enterprises and links of the map as GeoPackage, GeoJSON or KML, in a datum.

    The same filter of links as the map, and the one month that it shows.
    """
    view = read_view()
    if view.empty:
        abort(404)
    ending, crs = request.args.get("format", "geojson"), request.args.get("crs", WGS84)
    if ending not in GEO_ENDINGS or crs not in CRS_NAMES:
        abort(404)
    flows = asked_flows(view)
    if flows.problem:  # a file of all links would pass for one of those asked for
        abort(422, flows.problem)
    return geodata_file(
        scope=view.scope,
        period=_shown_span(view),
        material=view.material,
        level=_level(view),
        ending=ending,
        crs=crs,
        wanted=flows.filter,
    )


def _shown_span(view: View) -> Period:
    """The month a map that plays stands at, else the period of the view."""
    word = request.args.get("month", "")
    months = {month_text(month): month for month in view.span.months()}
    return Period.of(months[word], months[word]) if word in months else view.span


def _links() -> int:
    asked = request.args.get("links", "")
    return next((number for number in LINKS if str(number) == asked), LINKS[0])


def data_of(view: View) -> MapData:
    """What the map of a view shows; links with an end in scope."""
    basemap = books().config.basemap
    wanted = asked_flows(view).filter
    asked = view.span, view.scope, view.material, _level(view), _links(), wanted, lang()

    def make() -> MapData:
        return map_of(
            db=books().db,
            period=view.span,
            scope=view.scope,
            material=view.material,
            level=_level(view),
            links=_links(),
            wanted=wanted,
            months=True,
            basemap=basemap.as_dict() if basemap else None,
            month_word=lambda month: month_words(month, lang()),
            period_word=lambda period: period_words(period, lang()),
        )

    return once(("map", *asked), make)
