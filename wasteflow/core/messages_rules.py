"""Wording of the rules a well-formed record can break (4-contract 4.5); see `core.messages`."""

from __future__ import annotations

from typing import Final

RULE_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    # --- naming things ------------------------------------------------------------------
    "unknown_code": (
        "登记册中没有{what}“{value}”。请先登记它，或改用已有的代码。",
        "the registry has no {what} “{value}”; register it first or use a known code",
    ),
    "ambiguous_name": (
        "名称“{value}”对应多个[[{what}]]登记项：{candidates}。请改用代码或信用代码。",
        "the name “{value}” fits several [[{what}]] entries: {candidates}; use a code or "
        "credit code instead",
    ),
    "former_name": (
        "“{value}”是曾用名或其他名称，可能指 {candidates}。请确认后改填代码或现用名。",
        "“{value}” is a former or other name, perhaps of {candidates}; confirm and give the "
        "code or the present name",
    ),
    "unknown_region": (
        "登记册中没有行政区“{value}”。请先导入 regions（GB/T 2260 六位代码）。",
        "the registry has no region “{value}”; import regions first (six digits, GB/T 2260)",
    ),
    "unknown_park": (
        "登记册中没有园区“{value}”。请先导入 parks，或留空。",
        "the registry has no park “{value}”; import parks first or leave it blank",
    ),
    "unknown_enterprise": (
        "登记册中没有企业“{value}”。请填代码、统一社会信用代码或全称，或先导入 enterprises。",
        "the registry has no enterprise “{value}”; give its code, credit code or exact name, or "
        "import enterprises first",
    ),
    "unknown_facility": (
        "登记册中没有设施“{value}”。请先导入 facilities，或留空。",
        "the registry has no facility “{value}”; import facilities first or leave it blank",
    ),
    "unknown_material": (
        "登记册中没有物料“{value}”。请先导入 materials，或改用已有的代码。",
        "the registry has no material “{value}”; import materials first or use a known code",
    ),
    "unknown_route": (
        "登记册中没有去向“{value}”。请先导入 routes，或改用已有的代码。",
        "the registry has no route “{value}”; import routes first or use a known code",
    ),
    "facility_not_of_enterprise": (
        "设施“{value}”不属于企业 {enterprise}。请改填该企业的设施，或留空。",
        "the facility “{value}” does not belong to the enterprise {enterprise}; name one of its "
        "own or leave it blank",
    ),
    "parent_cycle": (
        "上级“{value}”会使隶属关系成环。请更正 parent。",
        "the parent “{value}” would close a circle; correct the parent",
    ),
    "code_taken": (
        "代码“{value}”已被使用，且内容不同。请换一个代码或更新原条目。",
        "the code “{value}” is taken by something else; choose another or change that entry",
    ),
    "uscc_taken": (
        "信用代码“{value}”已属于企业 {enterprise}。请核对，两家不能共用一个信用代码。",
        "the credit code “{value}” already belongs to the enterprise {enterprise}; check it, "
        "two firms cannot share one",
    ),
    "crs_needed": (
        "填了经纬度就必须填坐标系 crs（WGS84、CGCS2000、GCJ-02 或 BD-09），系统不作猜测。",
        "a position needs its coordinate system crs (WGS84, CGCS2000, GCJ-02 or BD-09); it is "
        "never guessed",
    ),
    # --- document numbers ---------------------------------------------------------------
    "duplicate_doc_in_file": (
        "同一单号在本文件第 {other_line} 行已出现。一单一号，请改号或删去重复行。",
        "the same number stands in line {other_line} of this file; give each record its own "
        "number or delete the repetition",
    ),
    "duplicate_code_in_file": (
        "同一代码在本文件第 {other_line} 行已出现。请改代码或删去重复行。",
        "the same code stands in line {other_line} of this file; change it or delete the "
        "repetition",
    ),
    "doc_no_differs": (
        "单号已在账本中，但内容不同[[：{fields}]]。已入账的记录不能改写；如需更正，先执行 "
        "wasteflow reverse {value} --reason 原因，再以单号 {value}/2 重新报送。",
        "this number is in the books with other content[[ in: {fields}]]. Booked records are "
        "never edited; to correct it run `wasteflow reverse {value} --reason …` and send it "
        "again as {value}/2",
    ),
    "doc_no_reversed": (
        "单号“{value}”的记录已冲销，不能再用。请以 {value}/2 重新报送。",
        "the record with the number “{value}” was reversed and its number is spent; send it as "
        "{value}/2",
    ),
    "doc_no_in_other_import": (
        "单号“{value}”正由另一个尚未完成的导入写入。请等它结束后再导入本文件。",
        "the number “{value}” is being written by another import that has not ended; wait for it "
        "and import this file again",
    ),
    "import_overtaken": (
        "导入期间，他人改动了本文件所依据的登记信息、期初库存或原单，重试后仍未成功。"
        "账本没有改动，请再导入一次。",
        "while the file was imported, others changed the registry, opening stock or parent loads "
        "it relies on, again and again; nothing was taken, import it once more",
    ),
    "records_unsound": (
        "记录本身有 {count} 处错误，不能据此重建汇总。"
        "请先执行 wasteflow check 查看，再从备份恢复。",
        "the records themselves have {count} faults, the roll-up cannot be rebuilt from them; run "
        "`wasteflow check` to see them and restore a backup",
    ),
    "database_busy": (
        "等待其他写入已超过 {seconds} 秒。账本没有改动，请稍后再试。",
        "other writers kept the database busy for more than {seconds} s; nothing was written, try "
        "again later",
    ),
    "product_differs": (
        "该企业、产品、日期的产量已入账 {known} 吨[[（P2O5 {known_pct}%）]]，与本行不同。"
        "已入账的不改写：如需更正，先执行 wasteflow reverse {key} --reason 原因，再重新导入；"
        "同一天的几笔产量请合并成一行。",
        "the books hold {known} t[[ (P2O5 {known_pct} %)]] for this enterprise, product and date, "
        "which is not this row. What is booked is never edited: to correct it run `wasteflow "
        "reverse {key} --reason …` and import again; add several outputs of a day up in one row",
    ),
    "duplicate_product_in_file": (
        "同一企业、产品、日期在本文件第 {other_line} 行已有另一产量。"
        "同一天的几笔产量请合并成一行。",
        "line {other_line} of this file gives another output for the same enterprise, product and "
        "date; add them up in one row",
    ),
    "already_reversed": (
        "单号“{value}”的记录已经冲销过，无需再次冲销。",
        "the record “{value}” is already reversed; nothing is left to reverse",
    ),
    "doc_unknown": (
        "账本中没有单号“{value}”的记录。请核对单号（区分大小写）。",
        "the ledger has no record with the number “{value}”; check it, capitals included",
    ),
    "doc_ambiguous": (
        "单号“{value}”不止一家单位使用：{candidates}。请再指明企业。",
        "the number “{value}” is used by more than one firm: {candidates}; name the enterprise "
        "as well",
    ),
    "cannot_reverse_children": (
        "“{value}”还有未冲销的退回或转送单：{children}。请先冲销它们。",
        "“{value}” still has return or redirect loads: {children}; reverse these first",
    ),
    "reason_needed": (
        "此处必须写明原因[[，可用：{known}]]。",
        "a reason is needed here[[; known ones: {known}]]",
    ),
    # --- masses and dates ---------------------------------------------------------------
    "zero_tonnes": (
        "吨数不能为 0（盘点除外）。没有发生就不要填报该行。",
        "tonnes must not be zero (except in a stocktake); leave the row out if nothing moved",
    ),
    "negative_tonnes": (
        "吨数不能为负。负数通常表示动用库存，请改用 kind = from_yard（出库）的正数。",
        "tonnes must not be negative; a negative cell usually means a draw on stock: book it as a "
        "positive `from_yard` entry",
    ),
    "dry_needs_moisture": (
        "干基重量必须同时填写含水率，才能换算成过磅的湿重。",
        "a dry-basis weight needs its moisture, or it cannot be turned into the weighed wet mass",
    ),
    "future_date": (
        "日期在未来[[（今天是 {today}）]]。请更正日期；计划中的业务等发生后再报。",
        "the date lies in the future[[ (today is {today})]]; correct it, and report plans once "
        "they have happened",
    ),
    "received_before_dispatched": (
        "早于发货时间[[ {dispatched_at}]]。请核对两个时间及其时区。",
        "earlier than the dispatch[[ at {dispatched_at}]]; check both times and their offsets",
    ),
    "received_not_sum": (
        "到货量 {received} 吨不等于接收量与拒收量之和 {sum} 吨。请更正其中之一，或留空由系统计算。",
        "received {received} t is not accepted + refused = {sum} t; correct one, or leave one "
        "blank and it is computed",
    ),
    "received_is_not_sum": (
        "到货量不等于接收量与拒收量之和。",
        "the received mass is not the sum of the accepted and the refused mass",
    ),
    "nothing_received": (
        "到货量为 0。若途中全部灭失，请报灭失（lost）；若全部拒收，请填拒收量。",
        "nothing was received: report the load as lost if it perished, or give the refused mass "
        "if it was turned away",
    ),
    "weight_missing": (
        "发出量和接收量至少要填一个。",
        "give the dispatched or the accepted tonnes, at least one of the two",
    ),
    "over_twice_cap": (
        "重量超过该运输方式上限 {cap} 吨的两倍。请核对重量、单位、方式或车数 loads。",
        "the weight is more than twice the cap of {cap} t of this mode; check weight, unit, "
        "mode and the number of loads",
    ),
    # --- loads --------------------------------------------------------------------------
    "sender_is_receiver": (
        "发货单位与收货单位相同。厂内转移请用台账记录 to_yard、from_yard；退回请填 kind = return。",
        "sender and receiver are the same; use entries (to_yard, from_yard) within one firm, or "
        "kind = return for a return",
    ),
    "route_does_not_fit_material": (
        "去向“{value}”不适用于该物料，只适用于：{materials}。请改用适合的去向。",
        "the route “{value}” is not for this material, only for: {materials}; choose one that fits",
    ),
    "route_does_not_fit_receiver": (
        "收货单位[[ {enterprise} ]]登记的设施都不做去向“{value}”。请改去向，或先登记设施。",
        "no registered facility of the receiver[[ {enterprise}]] has the route “{value}”; "
        "change the route or register the facility first",
    ),
    "route_has_wrong_fate": (
        "去向“{value}”的类别不符，这里需要的是 {needed}。",
        "the route “{value}” has another fate; one of fate {needed} is needed here",
    ),
    "evidence_too_good": (
        "导入方不能声明“{value}”这样的证据等级：当事企业自己的文件记“单方”（one_sided），"
        "他方文件记“第三方导入”（imported）。",
        "an importer may not assert the evidence “{value}”: the own file of one of the firms "
        "counts as one_sided, that of anybody else as imported",
    ),
    "parent_missing": (
        "退回或转送单的原单[[“{value}”]]没有找到：parent_doc_no 必须填写，"
        "原单须在账本中或在本文件之内。",
        "the parent load [[“{value}” ]]is missing: a return or redirect needs its number in "
        "parent_doc_no, and it must be in the books or in this file",
    ),
    "parent_unknown": (
        "账本和本文件中都没有原单“{value}”。请先报送原单。",
        "the parent load “{value}” is neither in the books nor in this file; send it first",
    ),
    "parent_not_refused": (
        "原单“{value}”没有拒收部分，不能退回或转送。",
        "the parent load “{value}” has no refused part, so nothing can be returned or redirected",
    ),
    "child_over_refused": (
        "退回或转送量超过原单尚未处理的拒收量[[ {open} 吨]]。请核对重量。",
        "more is returned or redirected than the open refused mass of the parent[[, {open} "
        "t]]; check the weight",
    ),
    "child_before_parent": (
        "退回或转送的发出时间早于原单的到货时间[[ {moment}]]。请更正时间。",
        "dispatched before the parent was received[[ ({moment})]]; correct the time",
    ),
    "child_kind_needed": (
        "填了原单号 parent_doc_no，就必须填 kind = return（退回）或 redirect（转送）。",
        "with a parent_doc_no the kind must be return or redirect",
    ),
    "child_differs": (
        "退回或转送单的物料必须与原单相同（{expected}）。",
        "a return or redirect carries the material of its parent ({expected})",
    ),
    "return_to_other": (
        "退回必须回到原发货单位[[ {consignor}]]。送往他处请用 kind = redirect。",
        "a return goes back to the consignor[[ {consignor}]]; use kind = redirect for anybody else",
    ),
    "redirect_to_same": (
        "转送不能又送给拒收的单位或原发货单位。退回发货单位请用 kind = return。",
        "a redirect cannot go to the firm that refused it or to the consignor; use kind = return "
        "for the consignor",
    ),
    "not_in_transit": (
        "运单“{value}”不在途（现为 {state}），不能做此操作。",
        "the load “{value}” is not in transit (it is {state}), so this cannot be done",
    ),
    "illegal_event": (
        "运单现为 {state}，不能记录“{event}”。",
        "a load that is {state} cannot be {event}",
    ),
    # --- entries ------------------------------------------------------------------------
    "route_missing": (
        "利用、处置、处理记录必须填写去向 route。",
        "an entry of use, disposal or treatment needs a route",
    ),
    "opening_not_first": (
        "期初库存必须不晚于该处的第一条记录（{first_day}）。请改日期，或先冲销更早的记录。",
        "opening stock must be dated no later than the first record of its place ({first_day}); "
        "change the date or reverse the earlier records",
    ),
    "before_opening": (
        "日期早于该处期初库存的日期 {first_day}：期初库存必须在最前。请更正日期，"
        "或先冲销期初库存。",
        "dated before the opening stock of its place ({first_day}), which must come first; "
        "correct the date or reverse the opening",
    ),
    "generator_only_opening": (
        "产生单位和产生年份只用于期初库存（kind = opening），其他记录请留空。",
        "generator and year_generated belong to opening stock only; leave them blank elsewhere",
    ),
    "year_after_opening": (
        "产生年份晚于期初日期 {date}。请更正。",
        "the year of generation lies after the opening date {date}; correct it",
    ),
    "from_use_only_generation": (
        "from_use（来自利用环节）只用于产生记录。其他记录请留空。",
        "from_use belongs to generation entries only; leave it blank elsewhere",
    ),
    "bad_reason": (
        "盘点原因“{value}”不在可选值之中。可用：{known}。",
        "the reason “{value}” of a stocktake is not one of: {known}",
    ),
    "name_missing": (
        "中文名和英文名至少要填一个。",
        "give a Chinese or an English name, at least one",
    ),
    # --- services -----------------------------------------------------------------------
    "not_found": (
        "账本中没有{what}“{value}”。请核对后重试。",
        "the books hold no {what} “{value}”; check it and try again",
    ),
    "database_old": (
        "数据库结构版本为 {found}，本程序需要 {wanted}。请先备份，再执行 wasteflow db upgrade。",
        "the database is at version {found}, this program needs {wanted}; back it up, then run "
        "`wasteflow db upgrade`",
    ),
    "database_url_bad": (
        "数据库地址不能识别。请写 sqlite:///文件路径，或 postgresql+psycopg://用户:密码@主机/库。",
        "the database URL is not understood; write sqlite:///path or "
        "postgresql+psycopg://user:password@host/database",
    ),
    "database_unreachable": (
        "连不上数据库 {url}：{reason}。请检查地址、服务是否运行以及权限。",
        "the database {url} cannot be reached: {reason}; check the address, that the server runs, "
        "and your rights",
    ),
    "database_empty": (
        "数据库 {url} 还是空的。请先执行 wasteflow db upgrade，再执行 wasteflow seed 或导入。",
        "the database {url} is empty; run `wasteflow db upgrade` first, then `wasteflow seed` "
        "or import",
    ),
    "database_drift": (
        "数据库与本程序的结构有 {count} 处不同（已列出）。请从备份恢复，或查明谁改动了表结构。",
        "the database differs from this program in {count} places (listed above); restore a "
        "backup or find out who changed the tables",
    ),
    "host_not_local": (
        "已开启免登录查看（WASTEFLOW_OPEN_READING），只能在本机地址（127.0.0.1）上提供，不能用 "
        "{host}。请去掉 --host，或关闭该设置并建立用户。",
        "everybody may read everything (WASTEFLOW_OPEN_READING), so the pages are served on this "
        "machine only (127.0.0.1), not on {host}; leave --host out, or switch the setting off and "
        "create users",
    ),
    "synth_impossible": (
        "无法按这些参数生成合成数据：{reason}。请调整 --loads、--enterprises、--parks 或 "
        "--months。",
        "no synthetic data can be made with these numbers: {reason}; change --loads, "
        "--enterprises, --parks or --months",
    ),
    "demo_needs_empty": (
        "数据库 {url} 已有数据，演示数据不会写入其中。请另指定一个空数据库，或删除演示用的旧文件。",
        "the database {url} holds data and the demo will not write into it; name an empty one or "
        "delete the old demo file",
    ),
    "bad_grouping": (
        "不能按“{value}”分组。可用：{known}。",
        "cannot group by “{value}”; known groupings: {known}",
    ),
    "bad_formula": (
        "没有公式“{value}”。可用：{known}。",
        "there is no formula “{value}”; known ones: {known}",
    ),
    "bad_basis": (
        "没有口径“{value}”。可用：{known}。",
        "there is no basis “{value}”; known ones: {known}",
    ),
    "bad_term": (
        "没有项目“{value}”。可用：{known}。",
        "there is no term “{value}”; known ones: {known}",
    ),
    "bad_place": (
        "没有部位“{value}”。请从页面上的链接进入。",
        "there is no place “{value}”; follow the links of the pages",
    ),
    "bad_evidence": (
        "没有证据等级“{value}”。可用：{known}。",
        "there is no grade of evidence “{value}”; known ones: {known}",
    ),
    "bad_direction": (
        "没有方向“{value}”。可用：{known}。",
        "there is no direction “{value}”; known ones: {known}",
    ),
    "bad_level": (
        "没有层级“{value}”。可用：{known}。",
        "there is no level “{value}”; known ones: {known}",
    ),
}
