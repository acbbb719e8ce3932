"""Wording of codes about potential links: what makes one, what stands against it."""

from __future__ import annotations

from typing import Final

SYMBIOSIS_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "bad_link_limit": (
        "限值“{name}”须是大于 0 的数，实为“{value}”。请改正或去掉该限值。",
        "the limit “{name}” must be a number above 0, it is “{value}”; mend it or leave it out",
    ),
    "no_receiver": (
        "登记的利用设施中没有能接收该物料的。请登记接收设施及其物料、路线。",
        "no registered use facility takes the material; register a receiver with its materials "
        "and routes",
    ),
    "capacity_unknown": (
        "能接收该物料的设施都未登记能力，无法计算余量。请补登设施年能力。",
        "no facility that takes the material states its capacity, so nothing can be said to be "
        "free; register the yearly capacity",
    ),
    "permit_not_valid": (
        "能接收的设施许可不在有效期内。请更新许可日期。",
        "the permit of the receiving facility does not hold at the end of the period; bring its "
        "dates up to date",
    ),
    "no_position": (
        "产生单位或接收设施没有坐标，无法计算距离。请登记企业或园区坐标。",
        "the producer or the receiving facility has no position, so there is no distance; register "
        "the position of the firm or its park",
    ),
    "no_filing": (
        "跨省转移没有有效的备案。请办理并登记跨省利用备案。",
        "the border between the provinces is covered by no filing in force; file the transfer and "
        "register it",
    ),
    "too_far": (
        "超过该物料的经济运距。可登记接收价、处理费、免堆存费以逐条推算，或改用别的去向。",
        "farther than the material is worth hauling; register gate value, treatment and storage "
        "cost to judge the link by its own sums, or find another way",
    ),
    "too_dear": (
        "吨净成本超过给定上限。请提高上限或换更近的接收方。",
        "the net cost per tonne is above the ceiling given; raise it or find a nearer receiver",
    ),
    "capacity_taken": (
        "可行的接收能力已用完。请新增能力、纳入在建拟建设施，或查看情景。",
        "the feasible capacity is taken; add capacity or count facilities being built and planned",
    ),
    "route_fits": (
        "物料与设施的利用路线相符",
        "the material fits a route of the facility",
    ),
    "permit_holds": ("设施许可在有效期内，或未限期", "the permit of the facility holds"),
    "no_border": ("不跨省，无须备案", "no province border is crossed"),
    "filing_covers": ("跨省备案有效且有余额", "a filing with quota left covers the border"),
    "within_limit": ("在给定的最大运距内", "within the distance given"),
    "within_radius": (
        "在经验运距内（经验值，未找到有出处的数）",
        "within the rule of thumb for the distance",
    ),
    "no_radius_known": ("该物料没有登记经验运距", "no rule of thumb limits the distance"),
    "pays_for_itself": ("收支相抵，链接自身不亏", "the link pays for itself"),
    "link_document_needed": (
        "有条件路线：须先取得所需文件",
        "a conditional route: its document is needed first",
    ),
    "facility_ahead": ("设施在建或拟建，尚未投用", "the facility is being built or planned"),
}
"""Code → (Chinese, English)."""
