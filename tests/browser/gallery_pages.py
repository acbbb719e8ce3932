"""Which pages the gallery shows, to whom, and how those behind a link are found."""

from __future__ import annotations

from typing import Final

from wasteflow.web.menu import GROUPS

FAULT: Final = "/fault"
"""An address of the gallery alone, behind which something unexpected happens."""
WORK: Final = {
    "receiver": (
        "/users",
        "/inbox",
        "/gate",
        "/log",
        "/loads",
        "/loads/new",
        "/loads/corrections",
        "/partners",
        "/entries",
        "/entries/new",
        "/account",
        "/products",
    ),
    "admin": ("/months", "/uploads", "/uploads/new", "/exports", "/members", "/delegations"),
    "park": (
        "/boundaries",
        "/audit-log",
        "/offers",
        "/offers/new",
        "/indicators/inputs",
        "/summary",
    ),
    "planner": ("/scenarios", "/scenarios/new", "/scenarios/compare"),
    "root": ("/users", "/seals"),
}
"""Login of the demo → pages of daily work, beside those of the menu that anybody reads."""
EXTRA: Final = (
    "/search?q=安宁", "/help", "/help/rates", "/sign-in", "/api/docs", "/nowhere", FAULT,
    "/?scope=enterprise:ent.tianan", "/?scope=park:park.anning.pg", "/rates?period=2026-13",
)  # fmt: skip
"""Beside the menu for anybody: search, help, a firm, a park, and every kind of error."""
INSIDE: Final = {
    "": (
        ("pages.target_gap", "/targets", "a[href*='/targets/gap']", ""),
        ("pages.link_plan", "/potential", "a[href*='/potential/plan']", ""),
        ("pages.postings", "/rates?by=enterprise", "main td a[href*='/postings']", ""),
        ("pages.records", "/postings?scope=enterprise:ent.tianan", "td a[href*='/records']", ""),
    ),
    "receiver": (
        ("loads.gate_load", "/gate", "a.gate-card", ""),
        ("loads.one", "/loads", "main th a[href^='/loads/']", ""),
        ("loads.one", "/loads?state=disputed", "main th a[href^='/loads/']", ""),
        ("loads.revise", "/loads?state=accepted", "main th a[href^='/loads/']", "/revise"),
        ("loads.slip", "/loads", "main th a[href^='/loads/']", "/print"),
        ("loads.corrections_job", "/loads/corrections", "main a[href*='/corrections/']", ""),
        ("loads.entry", "/entries", "main th a[href^='/entries/']", ""),
    ),
    "admin": (("loads.edit", "/loads?state=draft", "main th a[href^='/loads/']", "/edit"),),
    "park": (("pages.offer", "/offers", "main td a[href*='/offers/']", ""),),
    "planner": (
        (
            "pages.scenario",
            "/scenarios",
            "a.scenario-name",
            "",
        ),
        ("pages.scenario_edit", "/scenarios", "a.scenario-name", "/edit"),
    ),
    "root": (
        ("uploads.one", "/uploads", "main a[href*='/uploads/']:not([href$=new])", ""),
        ("boundaries.one", "/boundaries", "main a[href*='/boundaries/']", ""),
    ),
}
"""Login → pages behind a link: the page, a list, a link on it, what is put behind its address."""
PARTS: Final = frozenset(
    {
        "boundaries.frame", "pages.map_frame",  # inside a page
        "exports.file", "loads.paper", "pages.proof", "uploads.errors", "uploads.template",
        "pages.map_file",
        "pages.map_data", "pages.map_geodata", "pages.link_map_data",  # files
        "pages.overview_part", "pages.targets_part", "accounts.oidc", "accounts.oidc_back",
        "health.healthz", "health.readyz",
    }
)  # fmt: skip
"""What is asked for with GET and is no page of its own."""
EMPTY: Final = (
    "/", "/rates", "/targets", "/map", "/sankey", "/matrix", "/balances", "/realised", "/potential",
    "/month", "/findings", "/bulletin", "/indicators", "/seals", "/help", "/search?q=x",
)  # fmt: skip
"""Pages of books that hold nothing yet."""
_MENU: Final = [
    page for _, group in GROUPS for page in group if page not in ("offers", "scenarios")
]
_PATHS: Final = {"overview": "/", "link_map": "/links/map"}
WRONG: Final = {
    ("", "/nowhere"): 404,
    ("", FAULT): 500,
    ("", "/rates?period=2026-13"): 422,
    ("receiver", "/users"): 403,
}
"""(login, address) pictured for its error → its status."""


def pages() -> list[tuple[str, str]]:
    """(login, address) of every page, those anybody reads first."""
    found = [("", _PATHS.get(page, f"/{page.replace('_', '-')}")) for page in _MENU]
    found += [("", address) for address in EXTRA]
    return found + [(login, address) for login, listed in WORK.items() for address in listed]
