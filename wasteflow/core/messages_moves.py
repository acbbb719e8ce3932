"""Wording of the life cycle of loads, their disputes and revisions; see `core.messages`."""

from __future__ import annotations

from typing import Final

MOVE_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "illegal_move": (
        "运单现为“{state}”，不能做“{move}”。[[现在可以做：{legal}。]]",
        "a load that is {state} does not allow “{move}”[[; open now: {legal}]]",
    ),
    "stale_version": (
        "记录已被他人改动：您看到的是第 {expected} 版，现为第 {found} 版。请刷新后再试。",
        "somebody changed this meanwhile: you saw version {expected}, it is now {found}; read it "
        "again and repeat",
    ),
    "missing_fields": (
        "还缺：{fields}。请补填。",
        "still missing: {fields}; fill them in",
    ),
    "field_unknown": (
        "没有字段“{field}”。可用：{known}。",
        "there is no field “{field}”; known ones: {known}",
    ),
    "fields_refused": (
        "有 {count} 处填写有误，未保存。请按所列原因更正。",
        "{count} fields are wrong and nothing was saved; correct them as told",
    ),
    "own_party_missing": (
        "发货单位或收货单位必须是您的单位。请填写。",
        "the consignor or the consignee must be your own organisation; fill it in",
    ),
    "bad_cursor": (
        "没有这一页“{value}”。请从第一页重新开始。",
        "there is no page “{value}”; start again from the first",
    ),
    "doc_no_taken": (
        "单号“{value}”在该发货单位已被使用。请换一个，或留空由系统编号。",
        "the number “{value}” is taken at this consignor; choose another or leave it blank to get "
        "one",
    ),
    "not_creators": (
        "草稿只能由建立它的单位删除（{organisation}）。",
        "a draft is deleted by the organisation that made it ({organisation})",
    ),
    "vehicle_needed": (
        "发运须填车牌、车皮或船号 vehicle。",
        "a dispatch needs its vehicle (plate, wagon or vessel)",
    ),
    "meter_needed": (
        "皮带或管道按计量期发运：请填计量期起止和表底数（{fields}）。",
        "a conveyor or pipeline is dispatched per metering period: give its start and end and the "
        "readings ({fields})",
    ),
    "meter_backwards": (
        "计量期或表底数前后颠倒，或计量期与上一期重叠[[（上一期止于 {until}）]]。请更正。",
        "the metering period or its readings run backwards, or it overlaps the last one[[ (which "
        "ended {until})]]; correct them",
    ),
    "meter_two_months": (
        "计量期须在同一个月内：请按月分成两单。",
        "a metering period lies within one month: make two loads of it",
    ),
    "time_out_of_order": (
        "时间早于上一步（{earlier}）。请更正。",
        "the time is before the step before ({earlier}); correct it",
    ),
    "after_next_step": (
        "时间晚于下一步（{later}）。请更正，或两个时间一起更正。",
        "the time is after the next step ({later}); correct it, or both together",
    ),
    "child_from_refuser": (
        "退回或转送由拒收方发出：发货单位须为 {value}。请改发货单位，或请对方开单。",
        "a return or redirect leaves from the firm that refused the load: the consignor must be "
        "{value}; change it, or ask that firm for the load",
    ),
    "ticket_taken": (
        "磅单号“{value}”在该单位已用于运单“{doc_no}”。请核对磅单。",
        "the weigh ticket “{value}” already belongs to the load “{doc_no}” of this firm; compare "
        "the tickets",
    ),
    "reason_of_refusal": (
        "拒收须说明原因 reason。",
        "a refusal needs its reason",
    ),
    "gap_needs_reason": (
        "收发重量相差 {percent}%，超过容许差：请填原因 reason。",
        "received and dispatched weights differ by {percent} %, beyond the tolerance: give the "
        "reason",
    ),
    "carrier_agreement_needed": (
        "在途运单须承运单位“{carrier}”同意方可取消或报灭失：请填 carrier_statement"
        "（谁同意、凭据号）。",
        "a load on the road is cancelled or lost with its carrier “{carrier}”: give "
        "carrier_statement (who agreed, under what document)",
    ),
    "wait_before_settling": (
        "园区可在 {until} 之后裁定：双方先有 {days} 天协商。",
        "the park may settle this after {until}: the parties have {days} days first",
    ),
    "remind_first": (
        "单方办结前须先催办，并等候 {days} 天。[[最早 {until}。]]",
        "before closing one-sided remind the other side and wait {days} days[[, until {until}]]",
    ),
    "document_needed": (
        "单方办结须注明凭据 document（合同、过磅单或签收单号）。",
        "a one-sided close names its document (contract, ticket or receipt number)",
    ),
    "already_signed": (
        "您的单位已经确认过这张运单。",
        "your organisation has signed this load already",
    ),
    "nothing_due": (
        "现在没有待对方答复的事项，无需催办。",
        "the other side owes no answer now, so there is nothing to remind it of",
    ),
    # --- revisions ----------------------------------------------------------------------
    "not_revisable": (
        "“{field}”不能更正。可更正：{known}。其他错误请冲销后重开。",
        "“{field}” cannot be revised; these can: {known}. For anything else annul the load and "
        "make a new one",
    ),
    "corrected_gap": (
        "更正后收发重量相差 {percent}%。请双方核对磅单后再同意。",
        "the corrected weights still differ by {percent} %; compare the weigh tickets before "
        "agreeing",
    ),
    "nothing_revised": (
        "更正内容与现有记录相同。",
        "the revision changes nothing",
    ),
    "not_asked": (
        "这项更正不需要您的单位答复，或已答复过。",
        "your organisation is not asked about this revision, or has answered it",
    ),
    "not_proposer": (
        "更正只能由提出的单位撤回（{organisation}）。",
        "a revision is withdrawn by the organisation that proposed it ({organisation})",
    ),
    "revision_closed": (
        "这项更正已了结（{status}）。",
        "this revision is closed ({status})",
    ),
    "revision_outdated": (
        "提出更正后，记录已有变动（{fields}），不能再照原样更正。请撤回后重新提出。",
        "the load has changed in {fields} since this revision was proposed, so it cannot be put in "
        "force; withdraw it and propose it anew",
    ),
    "after_child": (
        "到货时间不能晚于其退回或转送单的发出时间（{moment}）。请更正。",
        "the receipt cannot be later than the dispatch of its return or redirect ({moment}); "
        "correct it",
    ),
    "below_children": (
        "拒收量不能少于已退回或转送的 {tonnes} 吨。请先更正退回或转送单。",
        "the refused part cannot be less than the {tonnes} t already returned or redirected; "
        "revise those loads first",
    ),
    "kin_keeps_material": (
        "有退回或转送关系的运单不能更正物料。请逐单冲销后重开。",
        "a load with returns or redirects keeps its material; annul them one by one and make new "
        "ones",
    ),
    "receipt_not_revisable": (
        "尚未验收，没有到货数据可更正：{field}。",
        "the load is not decided yet, so there is no receipt to revise: {field}",
    ),
    "downgrade_loses_loads": (
        "不能退回到版本 {revision}：有 {count} 项草稿、事件或更正是旧版程序不认识的，会丢失。"
        "请从备份恢复。",
        "cannot go down to revision {revision}: {count} drafts, events or revisions are unknown to "
        "the program before and would be lost; restore a backup instead",
    ),
    # --- faults of check ----------------------------------------------------------------
    "draft_mismatch": (
        "草稿或手工运单“{key}”与其所附内容不一致[[：应为 {expected}，实为 {found}]]。"
        "请从备份恢复或查明来源。",
        "the draft or hand-kept load “{key}” and what lies beside it disagree[[: expected "
        "{expected}, found {found}]]; restore a backup or find out what changed it",
    ),
    "actor_missing": (
        "事件“{key}”没有记录人，也不来自导入。请从备份恢复或查明来源。",
        "the event “{key}” names nobody who recorded it and comes from no import; restore a backup "
        "or find out what changed it",
    ),
    "handed_over_mismatch": (
        "“{key}”的交出承运单位与事件不一致：事件为“{expected}”，索引为“{found}”。请从备份恢复或查明来源。",
        "the carriers that handed “{key}” over disagree: “{expected}” by its events, “{found}” "
        "where lists look them up; restore a backup or find out what changed it",
    ),
    "signature_missing": (
        "“{key}”来自文件，等级是“{found}”，但没有当事企业的签认支持。请从备份恢复或查明来源。",
        "“{key}” comes from a file and is graded “{found}”, which no signature of its firms bears "
        "out; restore a backup or find out what changed it",
    ),
    "revision_mismatch": (
        "更正“{key}”与运单现状或各方答复不符[[：应为 {expected}，实为 {found}]]。"
        "请从备份恢复或查明来源。",
        "the revision “{key}” does not agree with the load or with the answers of the parties[[: "
        "expected {expected}, found {found}]]; restore a backup or find out what changed it",
    ),
    # --- remarks ------------------------------------------------------------------------
    "below_stock": (
        "发货后账面库存为 {tonnes} 吨（负）。请核对库存或补报产生、出库。",
        "book stock after this dispatch is {tonnes} t, below zero; check the stock or report "
        "generation or from_yard",
    ),
    "meter_differs": (
        "表底数之差 {metered} 与发货量 {tonnes} 吨不同。请核对。",
        "the meter readings differ by {metered}, the dispatched mass is {tonnes} t; compare them",
    ),
}
"""Code → (Chinese, English)."""

MOVE_WORDS: Final[dict[str, str]] = {
    "draft": "起草",
    "edit": "修改草稿",
    "delete": "删除草稿",
    "issue": "开单",
    "dispatch": "发运",
    "hand_over": "交接",
    "receive": "到货过磅",
    "decide": "验收",
    "cancel": "取消",
    "lost": "报灭失",
    "acknowledge": "认可重量",
    "contest": "提出异议",
    "settle": "裁定",
    "remind": "催办",
    "close_one_sided": "单方办结",
    "confirm": "补确认",
    "revise": "提出更正",
    "approve": "同意更正",
    "refuse": "不同意更正",
    "withdraw": "撤回更正",
}
"""Move of the life cycle → Chinese."""

STANDING_WORDS: Final[dict[str, str]] = {
    "consignor": "发货单位",
    "consignee": "收货单位",
    "carrier": "承运单位",
    "own": "本单位",
    "park": "园区管理员",
    "region": "主管部门",
    "system": "系统管理员",
}
"""Standing towards a load → Chinese."""

EVENT_WORDS: Final[dict[str, str]] = {
    "dispatched": "发货",
    "decided": "验收",
    "lost": "灭失",
    "reversed": "冲销",
    "issued": "开单",
    "handed_over": "交接",
    "received": "到货",
    "cancelled": "取消",
    "acknowledged": "认可重量",
    "contested": "提出异议",
    "settled": "裁定",
    "closed_one_sided": "单方办结",
    "confirmed": "补确认",
    "revised": "更正",
    "receipt_revised": "更正到货",
    "reminded": "催办",
    "revision_proposed": "提出更正",
    "revision_approved": "同意更正",
    "revision_refused": "不同意更正",
    "revision_withdrawn": "撤回更正",
    "details_revised": "更正附属信息",
}
"""Kind of event → Chinese."""
