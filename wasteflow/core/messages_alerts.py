"""Wording of the findings list: what each kind says, and what to do about it; see `messages`."""

from __future__ import annotations

from typing import Final

ALERT_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "finding_negative_stock": (
        "{compartment}库存曾为负，账上缺 {tonnes} 吨",
        "stock at {compartment} fell below zero; {tonnes} t are missing from the books",
    ),
    "todo_negative_stock": (
        "补录遗漏的期初、产生或入库记录，或冲销多记的出库。",
        "record the opening, generation or receipt that is missing, or reverse what was sent twice",
    ),
    "finding_unbalanced_month": (
        "{month} {compartment}账实不平，残差 {tonnes} 吨",
        "{month}: the books of {compartment} do not close, residual {tonnes} t",
    ),
    "todo_unbalanced_month": (
        "核对该月盘点与进出记录，补录或更正差额的来源。",
        "go through the stocktake and the records of the month; add or correct what explains it",
    ),
    "finding_stocktake_stale": (
        "盘点 {record} 之后又补录了更早的记录：账面由 {before} 吨变为 {after} 吨",
        "records dated before the stocktake {record} came later: the book went from {before} t to "
        "{after} t",
    ),
    "todo_stocktake_stale": (
        "冲销该盘点并按原实盘数重新登记。",
        "reverse the stocktake and record it again with the level that was counted",
    ),
    "finding_missing_confirmation": (
        "运单 {record} 自 {date} 发出，收货方至今未验收",
        "load {record}, sent on {date}, is not decided by its consignee",
    ),
    "todo_missing_confirmation": (
        "收货方验收；无法验收时发货方催办，期满后单方办结。",
        "the consignee decides; if it cannot, the consignor reminds it and closes it one-sided in "
        "time",
    ),
    "finding_duplicate_ticket": (
        "磅单号 {ticket} 用在 {count} 张运单上：{records}",
        "weigh ticket {ticket} stands on {count} loads: {records}",
    ),
    "todo_duplicate_ticket": (
        "核对磅单：重复登记的撤销或冲销，写错的号码走更正。",
        "look at the tickets: annul what was recorded twice, revise a number that was mistyped",
    ),
    "finding_outlier_load": (
        "运单 {record} 为 {tonnes} 吨，与同一线路通常的每车 {usual} 吨相差很大",
        "load {record} of {tonnes} t is far from the usual {usual} t per trip of its link",
    ),
    "todo_outlier_load": (
        "核对磅单和车次数；写错的走更正。",
        "check the ticket and the number of trips; revise what is wrong",
    ),
    "finding_load_over_cap": (
        "运单 {record} 为 {tonnes} 吨，超过该运输方式的载重上限 {cap} 吨",
        "load {record} of {tonnes} t is above the payload cap of its mode, {cap} t",
    ),
    "todo_load_over_cap": (
        "核对重量与车次数（loads）；确属超载的请承运方整改。",
        "check the weight and the number of trips; if it was overloaded, take it up with the "
        "carrier",
    ),
    "finding_over_capacity": (
        "{facility} {year} 年接收 {tonnes} 吨，超过年能力 {capacity} 吨",
        "{facility} took {tonnes} t in {year}, above its yearly capacity of {capacity} t",
    ),
    "todo_over_capacity": (
        "核对设施能力与接收记录；能力已扩的更新名录，否则改送其他设施。",
        "check capacity and receipts; update the registry if it was extended, or send elsewhere",
    ),
    "finding_over_quota": (
        "备案 {filing} 项下已转移 {tonnes} 吨，超过数量 {quota} 吨",
        "{tonnes} t went under the filing {filing}, above its quota of {quota} t",
    ),
    "todo_over_quota": (
        "停止转移并办理变更备案，然后更新备案数量。",
        "stop the transfers, have the filing extended, then update its quota",
    ),
    "finding_permit_expired": (
        "{facility} 的许可至 {until}，此后（或此前）仍接收 {tonnes} 吨",
        "{facility} took {tonnes} t outside its permit ({until})",
    ),
    "todo_permit_expired": (
        "办理延续并更新设施有效期；未延续前停止接收。",
        "have the permit renewed and update the dates of the facility; take nothing until then",
    ),
    "finding_coefficient_off": (
        "{year} 年产生量 {tonnes} 吨与产品产量不相称",
        "generation of {tonnes} t in {year} does not fit the output of products",
    ),
    "todo_coefficient_off": (
        "核对产量、含水率和产生记录，补录或更正。",
        "check output, moisture and generation; add or correct records",
    ),
    "finding_conditional_undocumented": (
        "{year} 年经有条件路线 {route} 送 {partner} {tonnes} 吨，没有证明文件",
        "{tonnes} t went to {partner} on the conditional route {route} in {year} without a "
        "document",
    ),
    "todo_conditional_undocumented": (
        "在当年该线路的任一运单上附上检验报告等证明文件。",
        "attach the test report or approval to any load of that link and year",
    ),
    "finding_border_unfiled": (
        "{month} 跨省送 {partner} {tonnes} 吨，没有有效备案",
        "{tonnes} t went to {partner} in another province in {month} without a filing in force",
    ),
    "todo_border_unfiled": (
        "办理跨省转移备案并录入；已办的补录备案。",
        "file the cross-province transfer and enter the filing, or enter the one there is",
    ),
    "finding_refused_not_returned": (
        "运单 {record} 拒收的 {tonnes} 吨（{date}）没有退回或转送",
        "{tonnes} t of load {record}, refused on {date}, were neither returned nor redirected",
    ),
    "todo_refused_not_returned": (
        "登记退回或转送的子运单。",
        "record the return or the redirect as a child of the load",
    ),
    "finding_paper_loop": (
        "{firms} 之间有 {tonnes} 吨兜圈，可能被重复计为利用",
        "{tonnes} t went round between {firms} and may be counted as used more than once",
    ),
    "todo_paper_loop": (
        "核对这些企业之间的往来是否真实发生；虚假的撤销。",
        "find out whether the mass really went round; annul what did not",
    ),
    "finding_declared_then_disposed": (
        "已申报利用的 {tonnes} 吨后来被处置",
        "{tonnes} t declared as used were disposed of later",
    ),
    "todo_declared_then_disposed": (
        "核对接收方的用途；目标考核以核实口径为准。",
        "check what the receiver does with it; judge targets on the verified basis",
    ),
    "finding_unknown": (
        "没有编号为 {value} 的提示。请从列表中选择。",
        "there is no finding {value}; choose one of the list",
    ),
    "finding_resolved": (
        "提示 {value} 的原因已消除，无须暂缓。",
        "the cause of finding {value} is gone; there is nothing to snooze",
    ),
    "finding_word": (
        "“{value}”不是这里可用的词。可用：{known}。",
        "“{value}” is no word known here; known: {known}",
    ),
    "snooze_until": (
        "暂缓期限 {value} 不对：须在今天之后、{days} 天之内。",
        "a finding cannot be snoozed until {value}; choose a day from today within {days} days",
    ),
}
"""Code → (Chinese, English)."""
