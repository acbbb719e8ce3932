"""Wording of warnings, findings, reasons for no figure, and faults of `check`; see `messages`."""

from __future__ import annotations

from typing import Final

FINDING_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    # --- findings on stock --------------------------------------------------------------
    "negative_stock": (
        "{enterprise}（{compartment}）的 {material} 账面出现负库存[[，期末 {closing_t} 吨]]："
        "多半漏报了来料、期初库存或出库。请补报。",
        "the book stock of {material} at {enterprise} ({compartment}) falls below zero[[, "
        "closing {closing_t} t]]: receipts, opening stock or a yard draw are probably missing; "
        "report them",
    ),
    "stocktake_stale": (
        "盘点“{record}”之后又收到日期更早的记录，{enterprise}（{compartment}）的 {material} "
        "盘点差额已不准[[：当时账面 {book_at_count_t} 吨，现为 {book_now_t} 吨]]。"
        "请冲销并重新报送盘点。",
        "records dated before the stocktake “{record}” came in later, so its difference for "
        "{material} at {enterprise} ({compartment}) is stale[[: book {book_at_count_t} t then, "
        "{book_now_t} t now]]; reverse it and send it again",
    ),
    "unbalanced": (
        "{enterprise}（{compartment}）的 {material} 账不平[[：残差 {residual_t} 吨]]。"
        "请查漏报的记录与盘点。",
        "{material} at {enterprise} ({compartment}) does not balance[[: residual {residual_t} "
        "t]]; look for missing records and check the stocktake",
    ),
    "no_opening_stated": (
        "[[{enterprise}：]]未报期初库存，按零计算。若有旧存量请补报期初库存（台账种类 opening）。",
        "[[{enterprise}: ]]no opening stock is stated, so none is assumed; report an opening "
        "entry if there was any",
    ),
    "circulation_without_source": (
        "[[{place} 的]]物料只在彼此之间流转，没有来源，未纳入溯源。请补报产生或期初库存。",
        "material [[at {place} ]]only circulates without any source and is left out of "
        "tracing; report generation or opening stock",
    ),
    # --- findings on loads --------------------------------------------------------------
    "left_out": (
        "另有[[ {count} 项]]账本起始晚于本期首日，未计入。",
        "[[{count} ]]ledgers start after the first day of the period and are left out",
    ),
    "reason_missing": (
        "收发重量[[相差 {percent}%，]]超过容许差，但没有填写原因。请在 reason 说明。",
        "received and dispatched weights differ [[by {percent} %, ]]beyond the tolerance, and "
        "no reason is given; state it in the column reason",
    ),
    "weight_disputed": (
        "收发重量[[相差 {percent}%，]]差异过大，记为有争议，暂按收货重量入账。请双方核对磅单。",
        "received and dispatched weights differ [[by {percent} %, ]]so much that the load is "
        "disputed and posted with the receiver's weight; compare the weigh tickets",
    ),
    "over_cap": (
        "重量超过该运输方式的上限 {cap} 吨。请核对重量、方式或车数 loads。",
        "the weight is above the cap of {cap} t of this mode; check weight, mode and number of "
        "loads",
    ),
    "route_not_registered": (
        "收货单位{enterprise}没有登记任何设施，无法核对去向。请登记其设施。",
        "the receiver {enterprise} has no registered facility, so the route cannot be checked; "
        "register its facilities",
    ),
    "conditional_without_document": (
        "去向“{value}”附有条件，但没有证明文件。请补充并归档。",
        "the route “{value}” is conditional but no document is given; supply and file it",
    ),
    "cross_province_without_filing": (
        "跨省转移（{origin} → {goal}）没有有效的备案或审批。请在 filings 补登记。",
        "a transfer between provinces ({origin} → {goal}) without a valid filing; register "
        "the filing",
    ),
    "over_quota": (
        "备案“{filing}”的累计转移量 {tonnes} 吨超过批准量 {quota} 吨。",
        "transfers under the filing “{filing}” reach {tonnes} t, more than its quota of {quota} t",
    ),
    "over_capacity": (
        "设施“{facility}”本年已达 {tonnes} 吨，超过年能力 {capacity} 吨。请核对能力或去向。",
        "the facility “{facility}” has reached {tonnes} t this year, above its capacity of "
        "{capacity} t; check the capacity or the route",
    ),
    "expired_permit": (
        "设施“{facility}”在 {date} 不在有效期内（{valid_from} 至 {valid_to}）。请更新许可。",
        "the facility “{facility}” was not valid on {date} (valid {valid_from} to {valid_to}); "
        "renew the permit",
    ),
    "refused_not_returned": (
        "运单“{doc_no}”的拒收量还有 {tonnes} 吨未退回或转送。请报送退回或转送单。",
        "{tonnes} t refused from the load “{doc_no}” are neither returned nor redirected; send a "
        "return or redirect load",
    ),
    "long_in_transit": (
        "运单“{doc_no}”自 {since} 起在途，尚无收货记录。请催办收货或报灭失。",
        "the load “{doc_no}” has been in transit since {since}; ask for the receipt or report it "
        "lost",
    ),
    "one_sided_load": (
        "运单“{doc_no}”只有一方重量，另一方按相等处理。请补报对方重量。",
        "the load “{doc_no}” has one side's weight only, the other is taken equal; supply it",
    ),
    # --- findings on the registry -------------------------------------------------------
    "park_without_enterprise": (
        "园区“{park}”没有任何企业。请登记企业或把它并入上级园区。",
        "the park “{park}” has no enterprise; register some or merge it into its parent",
    ),
    "enterprise_without_park": (
        "企业“{enterprise}”没有园区，按“无园区”统计。",
        "the enterprise “{enterprise}” has no park and is shown under “no park”",
    ),
    "park_without_region": (
        "园区“{park}”没有行政区，无法计入地区统计。请补填 region。",
        "the park “{park}” has no region and counts in none; fill in its region",
    ),
    "unverified_code": (
        "“{value}”的废物代码尚未核实（verified = 否），不得作为依据引用。",
        "the waste code of “{value}” is not verified; do not cite it as authority",
    ),
    "name_recognised": (
        "“{value}”按曾用名识别为 {enterprise}。请确认。",
        "“{value}” was recognised as {enterprise} by a former name; please confirm",
    ),
    # --- import remarks -----------------------------------------------------------------
    "rounded": (
        "{rows} 行的吨数小数超过 3 位，已按四舍六入五成双取到千克，合计差 {kg} 千克。",
        "{rows} rows had more than 3 decimal places and were rounded half to even to the "
        "kilogram; the summed difference is {kg} kg",
    ),
    "skipped_known": (
        "{rows} 行与账本中的记录完全相同，已跳过。",
        "{rows} rows are identical to records in the books and were skipped",
    ),
    "loads_completed": (
        "{rows} 张在途运单由本文件补全了收货。",
        "{rows} loads in transit were completed by receipts of this file",
    ),
    # --- figures that cannot be computed ------------------------------------------------
    "ledger_starts": (
        "账本从 {month} 开始，晚于期间起点，无法计算。请选择之后的期间，或补报期初库存。",
        "the ledger starts in {month}, after the period begins, so there is no figure; choose "
        "a later period or state the opening stock",
    ),
    "prior_stock_untraced": (
        "期初有往年（往期）库存，尚未溯源，官方综合利用率无法计算；简单综合利用率可用。",
        "there was prior stock at the start and it is not traced, so the official rate is not "
        "computable; the simple rate is",
    ),
    "attribution_untraced": (
        "物料经过混合库存或贸易商，尚未溯源到产生单位，无法归属。",
        "the material passed mixed piles or traders and is not traced to its generators, so it "
        "cannot be attributed",
    ),
    "product": (
        "该物料是产品而非固体废物，不计算综合利用率（可用 --include-products 查看）。",
        "this material is a product, not a waste, and has no utilisation rate (see "
        "--include-products)",
    ),
    "nothing_generated": (
        "期间内没有产生量，利用率无分母。",
        "nothing was generated in the period, so the rate has no denominator",
    ),
    "no_data": (
        "该范围和期间没有任何记录。",
        "there is no record for this scope and period",
    ),
    "above_one": (
        "数值超过 1：该公式允许（动用了往年库存或统计口径不同），不是官方综合利用率。",
        "the value exceeds 1, as this formula may (prior stock was used); it is not the "
        "official rate",
    ),
    "denominator_not_split": (
        "按去向或证据分组时只拆分利用量，分母仍是其余分组的全部产生量。",
        "grouped by route or evidence only the utilised tonnes are split; the denominator is that "
        "of the remaining keys",
    ),
    "reference_line": (
        "目标范围大于本账本的数据，仅作参考线，不作评判。",
        "the target covers more than these books hold: a reference line, not judged",
    ),
    "firms_left_out": (
        "以下企业的账本起始较晚，未计入：{firms}。",
        "left out because their ledgers start later: {firms}",
    ),
    # --- faults of `check` --------------------------------------------------------------
    "fold_mismatch": (
        "运单“{key}”缓存的状态或重量与其事件不符：应为 {expected}，实为 {found}。"
        "数据被绕过程序改动过，请从备份恢复或查明来源。",
        "the cached state or weights of the load “{key}” do not follow from its events: expected "
        "{expected}, found {found}; something changed the data behind the program, restore a "
        "backup or find out what",
    ),
    "event_sequence": (
        "运单“{key}”的事件序号不连续。数据被绕过程序改动过，请从备份恢复或查明来源。",
        "the events of the load “{key}” are not numbered 1, 2, 3 …; something changed the data "
        "behind the program, restore a backup or find out what",
    ),
    "reversal_mismatch": (
        "冲销记录“{key}”与被冲销的记录不一致：{found}。请从备份恢复或查明来源。",
        "the reversal “{key}” does not mirror what it reverses: {found}; restore a backup or "
        "find out what changed it",
    ),
    "rollup_mismatch": (
        "汇总 flow_month“{key}”与记录不符：应为 {expected} 千克，"
        "实为 {found} 千克（记录：{records}）。",
        "the roll-up flow_month “{key}” does not equal its records: expected {expected} kg, found "
        "{found} kg (records: {records})",
    ),
    "packed_differs": (
        "月汇总的打包副本“{key}”与月汇总不符。请运行 wasteflow db rebuild，副本会重新生成。",
        "the packed copy “{key}” of the roll-up differs from the roll-up; run "
        "`wasteflow db rebuild`, it will be made anew",
    ),
    "entry_arithmetic": (
        "台账记录“{key}”的重量自相矛盾：应为 {expected}，实为 {found}。",
        "the masses of the entry “{key}” contradict each other: expected {expected}, found {found}",
    ),
    "event_arithmetic": (
        "运单事件“{key}”的重量自相矛盾：应为 {expected}，实为 {found}。",
        "the masses of the event “{key}” contradict each other: expected {expected}, found {found}",
    ),
    "stocktake_arithmetic": (
        "盘点“{key}”的差额不等于盘点数减账面数：应为 {expected}，实为 {found}。",
        "the difference of the stocktake “{key}” is not counted − book: expected {expected}, "
        "found {found}",
    ),
    "place_missing": (
        "记录“{key}”引用了不存在的 {found}。",
        "the record “{key}” refers to {found}, which does not exist",
    ),
    "identity_broken": (
        "“{key}”不守恒：期初 + 流入 − 流出应为 {expected} 千克，期末为 {found} 千克。",
        "“{key}” does not conserve mass: opening + in − out gives {expected} kg, the closing "
        "stock is {found} kg",
    ),
    "header_mismatch": (
        "“{key}”的表头与其所属关系不符[[：应为 {expected}，实为 {found}]]。"
        "请从备份恢复或查明来源。",
        "the header of “{key}” contradicts what it belongs to[[: expected {expected}, found "
        "{found}]]; restore a backup or find out what changed it",
    ),
    "unknown_reference": (
        "“{key}”引用了登记表中没有的对象（{found}）。请从备份恢复或查明来源。",
        "“{key}” refers to something that is not in the registry ({found}); restore a backup or "
        "find out what changed it",
    ),
    "number_mismatch": (
        "“{key}”的单号与单号索引不一致。请从备份恢复或查明来源。",
        "the number of “{key}” and the index of numbers disagree; restore a backup or find out "
        "what changed it",
    ),
    "sender_missing": (
        "“{key}”未记入“谁发给谁”的索引，收货方的列表会缺这些运单；运单本身无误。"
        "请运行 `wasteflow db rebuild`。",
        "“{key}” is not in the index of who sent to whom: lists of the receiver lack these loads, "
        "which are sound themselves; run `wasteflow db rebuild`",
    ),
    "load_apart_mismatch": (
        "“{key}”在未了结运单的索引中与其状态不符，按状态的列表、收件箱或结账检查会缺它或多它；"
        "运单本身无误。请运行 `wasteflow db rebuild`。",
        "“{key}” stands wrongly in the index of loads that are not over: lists by state, the inbox "
        "and the checks of a close lack it or have it too much; the load itself is sound; run "
        "`wasteflow db rebuild`",
    ),
    "carrier_month_missing": (
        "“{key}”未记入承运人月份索引，该承运人的列表会缺这个月的运单；运单本身无误。"
        "请运行 `wasteflow db rebuild`。",
        "“{key}” is not in the index of carriers by month: the carrier's list lacks the loads of "
        "the month, which are sound themselves; run `wasteflow db rebuild`",
    ),
    "internal_error": (
        "程序内部错误（编号 {request_id}）。账本没有改动，请把编号告诉管理员。",
        "an internal error (number {request_id}); the books are unchanged, tell the number to "
        "your administrator",
    ),
}
