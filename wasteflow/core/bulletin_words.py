"""Words of the bulletin in both languages, Chinese first and by the official terms; no logic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

BULLETIN_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": (
        "{scope}一般工业固体废物环境信息公报",
        "{scope}: bulletin of general industrial solid waste",
    ),
    "lead": (
        "{period}，{scope}{firms}家产生单位的一般工业固体废物产生量{generated}万吨，综合利用量"
        "{utilised}万吨（其中综合利用往年贮存量{utilised_prior}万吨），处置量{disposed}万吨"
        "（其中处置往年贮存量{disposed_prior}万吨），贮存量{stored}万吨，倾倒丢弃量{dumped}万吨；"
        "综合利用率{rate} %。",
        "{period}, {scope}: {firms} generators produced {generated} × 10,000 t of general "
        "industrial solid waste; {utilised} were utilised ({utilised_prior} of it prior-year "
        "stock), {disposed} disposed of ({disposed_prior} of it prior-year stock), {stored} put "
        "in store, {dumped} dumped. The utilisation rate is {rate} %.",
    ),
    "period": ("期间：{period}", "Period: {period}"),
    "basis": (
        "口径：申报（接收方收货用于利用即计入产生单位），湿重；每吨只计一次。",
        "Basis: declared (credited to the generator when a receiver accepts it for use), wet "
        "weights; each tonne once.",
    ),
    "unit": ("数量单位：万吨；比率：%", "Amounts in 10,000 t; rates in %"),
    "synthetic": ("含合成演示数据，不得发布", "Holds synthetic records: not for publication"),
    "hidden_mark": (
        "发布版：不足{least}家企业的数字及可由此推算的数字已隐去",
        "For publication: figures of fewer than {least} firms, and what would give them away, "
        "are hidden",
    ),
    "hidden": ("隐去", "hidden"),
    "total": ("合计", "Total"),
    "nothing": ("无", "none"),
    "none": ("本期无", "none in this period"),
    "unknown_industry": ("行业未登记", "industry not registered"),
    "unknown_province": ("区域未登记", "region not registered"),
    # --- the release table ---------------------------------------------------------------
    "release.sheet": ("信息发布表", "Release table"),
    "release.title": (
        "一般工业固体废物产生、利用、处置、贮存情况",
        "Generation, utilisation, disposal and storage",
    ),
    "release.note": (
        "依据环办固体函〔2024〕37号《固体废物污染环境防治信息发布指南》的内容要求编排；"
        "表式为本程序自拟，报出前请与指南附表核对。",
        "Holds what the release guide (环办固体函〔2024〕37号) asks for; the layout is this "
        "program's own, to be compared with the guide's table before it is sent.",
    ),
    "period_col": ("年度", "period"),
    "change": ("比上年", "change"),
    # --- columns ---------------------------------------------------------------------------
    "firms": ("企业数", "firms"),
    "code": ("代码", "code"),
    "class": ("类别", "class"),
    "waste": ("固体废物", "waste"),
    "industry": ("行业", "industry"),
    "share": ("占产生量 %", "share of generation %"),
    "generated": ("产生量", "generated"),
    "utilised": ("综合利用量", "utilised"),
    "utilised_prior": ("其中：综合利用往年贮存量", "of which prior-year stock"),
    "rate": ("综合利用率 %", "utilisation rate %"),
    "disposed": ("处置量", "disposed"),
    "disposed_prior": ("其中：处置往年贮存量", "of which prior-year stock"),
    "disposal_rate": ("处置率 %", "disposal rate %"),
    "stored": ("贮存量", "stored"),
    "dumped": ("倾倒丢弃量", "dumped"),
    "other": ("其他去向量", "other"),
    "use_group": ("综合利用", "Utilisation"),
    "disposal_group": ("处置", "Disposal"),
    # --- the other tables ------------------------------------------------------------------
    "wastes.sheet": ("按废物种类", "By waste"),
    "wastes.title": ("各类一般工业固体废物情况", "By kind of waste"),
    "wastes.note": ("产生量前{top}位：{names}。", "The {top} largest: {names}."),
    "industries.sheet": ("按行业", "By industry"),
    "industries.title": ("各行业一般工业固体废物情况", "By industry of the generator"),
    "industries.note": ("产生量前{top}位行业：{names}。", "The {top} largest: {names}."),
    "transfers.sheet": ("跨省转移", "Across provinces"),
    "transfers.title": ("一般工业固体废物跨省转移情况", "Transfers across provinces"),
    "transfers.note": (
        "按接收方收货数量和收货月份；退回不计。范围跨省时，同一批转移在转出、转入各列一次。"
        "对方区域未登记的，是否跨省不明，单独列出。跨省贮存、处置须经批准，跨省利用须备案"
        "（固废法第二十二条）。",
        "By what the receiver accepted, in the month of acceptance; returns are left out. In an "
        "area of several provinces a transfer stands once as out and once as in. Where the "
        "region of the other side is not registered, nobody knows whether a border was crossed: it "
        "stands in a row of its own. Storage and disposal across provinces need approval, "
        "utilisation a filing (Solid Waste Law, art. 22).",
    ),
    "direction": ("方向", "direction"),
    "direction.out": ("转出", "out"),
    "direction.in": ("转入", "in"),
    "province": ("对方省份", "other province"),
    "fate": ("用途", "purpose"),
    "fate.use": ("综合利用", "use"),
    "fate.disposal": ("处置", "disposal"),
    "fate.storage": ("贮存", "storage"),
    "fate.treatment": ("无害化处理", "treatment"),
    "fate.transfer": ("转运", "transfer"),
    "tonnes": ("数量", "amount"),
    "loads": ("车（船）次", "loads"),
    "stock.sheet": ("累计贮存", "Stock"),
    "stock.title": ("一般工业固体废物累计贮存情况", "Stock on hand"),
    "stock.note": (
        "累计贮存量是时点存量，不是当年贮存量；在途为已发出未收货，计入发货方。",
        "Stock is what lies there on a day, not what the period stored; on the road is what was "
        "sent and not yet accepted, counted with its consignor.",
    ),
    "opening": ("期初累计贮存量", "at the start"),
    "closing": ("期末累计贮存量", "at the end"),
    "on_the_road": ("其中：在途", "of which on the road"),
    "difference": ("增减", "change"),
    "method.sheet": ("方法说明", "Method"),
    "method.title": (
        "各公式的利用率（同一组数量）",
        "The rate by every named formula, same tonnes",
    ),
    "formula": ("指标", "indicator"),
    "value": ("数值 %", "value %"),
    "how": ("公式", "formula"),
    "source": ("来源", "source"),
    "evidence.sheet": ("证据", "Evidence"),
    "evidence.title": ("综合利用量按证据分级", "Utilised tonnes by evidence"),
    "grade": ("证据", "evidence"),
    "part": ("占比 %", "share %"),
    "grade.both": ("双方确认", "confirmed by both sides"),
    "grade.one_sided": ("单方申报", "one side only"),
    "grade.imported": ("第三方导入", "imported"),
    "grade.estimated": ("估算", "estimated"),
    "grade.disputed": ("有争议", "disputed"),
    "audit.sheet": ("自查", "Self-audit"),
    "audit.title": (
        "自查：按所印数字用本程序的公布数核对（audit-figures）复核",
        "Self-audit: the printed figures through audit-figures",
    ),
    "reproduced": ("所印利用率可由何公式得出", "formulas that give the printed rate"),
    "closes": ("恒等式是否闭合", "identity closes"),
    "found": ("发现", "findings"),
    "yes": ("闭合", "yes"),
    "no": ("不闭合", "no"),
    "seal": (
        "封存：第{number}次，{moment} UTC；链首 {head}",
        "Seal {number} of {moment} UTC; head of the chain {head}",
    ),
    "unsealed": ("封存：账本尚未封存", "Seal: the books have not been sealed yet"),
    # --- notes ----------------------------------------------------------------------------
    "note.identity": (
        "恒等式：产生量 =（综合利用量 − 综合利用往年贮存量）+ 贮存量 +（处置量 − 处置往年贮存量）"
        "+ 倾倒丢弃量 + 其他去向量。其他去向量为称重差、灭失、转出账外、盘点差和补记差之和。",
        "Identity: generated = (utilised − its prior stock) + stored + (disposed − its prior "
        "stock) + dumped + other. Other is the sum of weighing differences, losses, what left the "
        "books, stocktake losses and settled shortages.",
    ),
    "note.rounding": (
        "数量修约到{places}位小数（万吨），利用率修约到2位小数，四舍六入五成双（GB/T 8170）；"
        "比率由未修约的数量算出。",
        "Amounts are rounded to {places} decimals of 10,000 t, rates to 2 decimals, half to even "
        "(GB/T 8170); rates come from the exact amounts.",
    ),
    "note.prior": (
        "“往年”对自然年为上年及以前，对其他期间为期前。",
        "Prior stock is that of earlier years for a calendar year, of before the period otherwise.",
    ),
    "note.verified": (
        "核实口径（已溯源到利用记录）的综合利用率为 {rate} %，综合利用量 {amount} 万吨；"
        "与申报口径之差为已收货而尚未利用的部分。",
        "On the verified basis (traced into a use) the rate is {rate} %, utilised {amount} × "
        "10,000 t; the difference was accepted and not yet used.",
    ),
    "formula.official": ("综合利用率", "Utilisation rate (official)"),
    "formula.simple": ("简单综合利用率", "Simple utilisation rate"),
    "formula.new_waste": ("当年产生当年利用率", "New-waste utilisation rate"),
    "formula.fate_share": ("占利用处置总量比", "Share of fate"),
    "formula.disposal_inclusive": ("处置利用率", "Utilisation and disposal rate"),
    "formula.consumption_balance": ("产消平衡比", "Consumption balance"),
    "how.official": (
        "综合利用量 ÷（产生量 + 综合利用往年贮存量）",
        "utilised ÷ (generated + utilised prior stock)",
    ),
    "how.simple": ("综合利用量 ÷ 产生量", "utilised ÷ generated"),
    "how.new_waste": (
        "（综合利用量 − 综合利用往年贮存量）÷ 产生量",
        "(utilised − its prior stock) ÷ generated",
    ),
    "how.fate_share": (
        "综合利用量 ÷（综合利用量 + 处置量 + 贮存量 + 倾倒丢弃量）",
        "utilised ÷ (utilised + disposed + stored + dumped)",
    ),
    "how.disposal_inclusive": (
        "（综合利用量 + 处置量）÷（产生量 + 综合利用往年贮存量 + 处置往年贮存量）",
        "(utilised + disposed) ÷ (generated + both prior stocks)",
    ),
    "how.consumption_balance": (
        "（综合利用量 + 已无害化而未利用量）÷ 产生量",
        "(utilised + treated and not used) ÷ generated",
    ),
    "source.official": (
        "排放源统计调查制度 基101表 [V]",
        "statistical survey of emission sources, form Ji-101 [V]",
    ),
    "source.simple": (
        "通行算法；动用往年存量时可超过100 % [V]",
        "the plain ratio; may exceed 100 % [V]",
    ),
    "source.new_waste": ("由官方定义推出 [D]", "derived from the official terms [D]"),
    "source.fate_share": (
        "大、中城市固体废物污染环境防治年报；不是利用率 [V]",
        "annual report of large and medium cities; no utilisation rate [V]",
    ),
    "source.disposal_inclusive": ("处置利用率，严格式 [V]", "strict form [V]"),
    "source.consumption_balance": (
        "云南省全面推进磷石膏综合利用工作方案（2023）[V]",
        "Yunnan phosphogypsum plan (2023) [V]",
    ),
}
"""Key → (Chinese, English)."""


def seal_line(seal: Mapping[str, Any] | None, lang: str) -> str:
    """The line that names the last seal of the books, to the minute."""
    if not seal:
        return bulletin_word("unsealed", lang)
    moment = str(seal["sealed_at"])[:16].replace("T", " ")
    return bulletin_word("seal", lang, number=seal["number"], head=seal["head"], moment=moment)


def bulletin_word(key: str, lang: str, **params: object) -> str:
    """The words of a key; `{name}` takes a parameter."""
    return BULLETIN_WORDS[key][1 if lang == "en" else 0].format_map(params)
