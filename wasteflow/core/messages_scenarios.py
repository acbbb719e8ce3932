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
    "too_many_blocks": (
        "一个情景最多 {limit} 项变动。请删去一些或分成几个情景。",
        "a scenario holds at most {limit} blocks; leave some out or make several scenarios",
    ),
    "bad_block_kind": (
        "变动类型“{value}”不存在，可用：{known}。",
        "there is no block “{value}”; use one of {known}",
    ),
    "bad_block_price": (
        "价格项“{value}”不存在，可用：{known}。",
        "there is no price “{value}”; use one of {known}",
    ),
    "bad_block_day": (
        "“{value}”不是日期，应写成 2027-01-01。",
        "“{value}” is no date; write 2027-01-01",
    ),
    "block_below_zero": (
        "能力不能为负，实为 {value}。停用请用“停用”。",
        "a capacity is never negative, it is {value}; to stop a facility use “close”",
    ),
    "block_out_of_range": (
        "{value} 超出范围 {least} 到 {most}。请改正。",
        "{value} lies outside {least} to {most}",
    ),
    "block_too_long": ("文字最多 {limit} 个字符。请缩短。", "at most {limit} characters"),
    "block_no_place": (
        "新增设施须写明企业、园区或坐标之一，否则无法计算运距。",
        "a new facility needs a firm, a park or a position, or no distance can be computed",
    ),
    "block_two_places": (
        "停用时企业和设施只填一个。",
        "to close, give either a firm or a facility, not both",
    ),
    "block_no_use": (
        "“{value}”不是利用设施。请选利用设施。",
        "“{value}” is not a use facility; choose one that is",
    ),
    "block_route_no_use": (
        "路线“{value}”不是利用路线。",
        "the route “{value}” is not one of use",
    ),
    "block_route_misfit": (
        "路线“{value}”不适用于所选物料。",
        "the route “{value}” does not fit the materials",
    ),
    "scenario_years": (
        "向后年数须在 0 到 {limit} 之间。",
        "years ahead must lie between 0 and {limit}",
    ),
    "scenario_base_not_year": (
        "向后推算须以 12 个月为基期，“{value}”不是。请选一整年，或把年数改为 0。",
        "years ahead need a base of 12 months, “{value}” is none; take a whole year or 0 years",
    ),
    "scenario_too_many": (
        "该范围已有 {limit} 个情景。请先删去不用的。",
        "this scope has {limit} scenarios; delete some first",
    ),
    "compare_number": (
        "一次可比较 1 到 {limit} 个情景，选了 {value} 个。请重选。",
        "between 1 and {limit} scenarios can be compared, {value} were chosen",
    ),
    "bad_scenario_file": (
        "这个文件不是情景：{reason}。应为 JSON，字段与接口 /scenarios 相同。",
        "this file is no scenario: {reason}; it is JSON with the fields of /scenarios",
    ),
    "already_operating": (
        "该设施已在运行，本项不起作用；改能力请用“改能力”。",
        "this facility is in operation already: the block changes nothing; use “resize” for "
        "another capacity",
    ),
    "filing_ended": (
        "这份跨省备案在推算期内到期，其下的现有链接按续办备案计。请核对能否续办。",
        "this cross-province filing ends within the years projected; the links under it are kept "
        "as if it were renewed: check that it can be",
    ),
    "filing_short": (
        "这份跨省备案的数量不够现有链接用到推算末年，现有链接按追加备案计，新链接不再使用它。",
        "the quota of this cross-province filing does not last for the links of today; they are "
        "kept as if it were raised, and nothing new is put on it",
    ),
    "plan_no_target": (
        "这个范围和物料没有可对照的利用率目标。请换范围或物料，或在名录里登记目标。",
        "no target of a rate fits this scope and material; choose others, or register a target",
    ),
    "cost_unknown": (
        "没有可计价的链接（没有利用，或缺价格、坐标），成本无法计算。",
        "no link can be priced (nothing is used, or prices or positions are missing): the cost "
        "cannot be computed",
    ),
    "co2_unknown": (
        "没有链接，或缺坐标、排放系数，运输 CO₂ 无法计算。",
        "there is no link, or positions or a factor are missing: CO₂ cannot be computed",
    ),
    "not_operating": (
        "该设施不在运行，本项不起作用。",
        "this facility is not in operation: the block changes nothing",
    ),
}
"""Code → (Chinese, English)."""
