"""Words of the park indicators in both languages; no logic.

Names of indicators are those of the schemes where the papers give them (2-domain 1.4).
"""

from __future__ import annotations

from typing import Final

INDICATOR_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("{scope}：园区指标（{year}年）", "{scope}: park indicators {year}"),
    "basis": (
        "账本数字为申报口径、湿重，每吨只计一次；园区填报的数字各注来源。",
        "Figures of the books are declared and wet, each tonne once; what a park stated carries "
        "its source.",
    ),
    "synthetic": ("含合成演示数据，不得报出", "Holds synthetic records: not to be filed"),
    "none": ("该范围内没有园区", "no park in this area"),
    "park": ("园区", "park"),
    # --- tables ---------------------------------------------------------------------------
    "matrix.sheet": ("园区比较", "Parks"),
    "matrix.title": ("各园区指标", "Indicators of every park"),
    "matrix.left": (
        "另有{number}个园区没有登记企业，也未填报数据，不列。",
        "Parks without a firm and without inputs, not listed: {number}.",
    ),
    "short.none": ("不可算", "none"),
    "short.input_missing": ("缺数据", "input missing"),
    "short.input_zero": ("除数为零", "divisor is 0"),
    "short.nothing_recorded": ("无记录", "no records"),
    "short.nothing_left_before": ("上年为零", "nothing before"),
    "short.year_before_missing": ("缺上年", "no year before"),
    "indicators.sheet": ("指标", "Indicators"),
    "indicators.title": ("园区指标", "Indicators"),
    "inputs.sheet": ("填报数据", "Inputs"),
    "inputs.title": ("园区填报的数据", "What the park stated"),
    "books.sheet": ("账本数字", "Books"),
    "books.title": ("指标所用的账本数字", "Figures of the books behind them"),
    "indicator": ("指标", "indicator"),
    "value": ("数值", "value"),
    "unit": ("单位", "unit"),
    "formula": ("公式", "formula"),
    "source": ("出处", "source"),
    "reference": ("参考值", "reference"),
    "input": ("数据", "input"),
    "where": ("来源", "source"),
    "date": ("资料日期", "dated"),
    "who": ("填报人", "stated by"),
    "figure": ("数字", "figure"),
    "command": ("命令行导入", "import by command"),
    "missing": ("未填报", "not stated"),
    "note.unverified": (
        "带 * 的参考值凭记忆整理，未与标准原文核对，只供参照，不作评判。[V] 已读原文，[K] 凭记忆，"
        "[D] 由定义推出。",
        "Reference values marked * are recalled and not compared with the standards: nothing is "
        "judged by them. [V] read in the document, [K] recalled, [D] derived.",
    ),
    "note.ends": (
        "账本最晚记到 {month}，该年尚未结束：账本数字为累计数，与全年的填报数据相比偏低。",
        "The books end in {month}, before the year does: beside inputs of the whole year their "
        "figures are too small.",
    ),
    # --- units ------------------------------------------------------------------------------
    "unit.fraction": ("%", "%"),
    "unit.1": ("个", ""),
    "unit.t": ("吨", "t"),
    "unit.tce": ("吨标准煤", "tce"),
    "unit.m3": ("立方米", "m³"),
    "unit.10000 CNY": ("万元", "10,000 CNY"),
    "unit.t/10000 CNY": ("吨/万元", "t per 10,000 CNY"),
    "unit.10000 CNY/t": ("万元/吨", "10,000 CNY per t"),
    "unit.10000 CNY/tce": ("万元/吨标准煤", "10,000 CNY per tce"),
    "unit.CNY/m3": ("元/立方米", "CNY per m³"),
    # --- families ---------------------------------------------------------------------------
    "family.hj274": ("HJ 274-2015 国家生态工业示范园区", "HJ 274-2015 eco-industrial parks"),
    "family.green_park": (
        "绿色园区（工信厅节函〔2016〕586号）",
        "green parks (工信厅节函〔2016〕586号)",
    ),
    "family.waste_free_city": (
        "无废城市（环固体〔2021〕114号）",
        "waste-free cities (环固体〔2021〕114号)",
    ),
    "family.ours": ("本程序自拟", "of this program"),
    "short.hj274": ("HJ 274", "HJ 274"),
    "short.green_park": ("绿色园区", "green park"),
    # --- inputs -------------------------------------------------------------------------------
    "input.industrial_value_added": ("工业增加值", "industrial value added"),
    "input.resource_consumption": ("主要资源消费量", "main resources consumed"),
    "input.energy_consumption": ("综合能源消费量", "energy consumed"),
    "input.water_use": ("工业用水量", "industrial water use"),
    "input.renewable_collected": ("再生资源收集量", "renewable resources collected"),
    "input.renewable_recycled": ("再生资源循环利用量", "renewable resources recycled"),
    "input.hazardous_generated": ("危险废物产生量", "hazardous waste generated"),
    "input.hazardous_handled": ("危险废物利用处置量", "hazardous waste used or disposed of"),
    "input.new_chain_projects": ("新增生态工业链项目数", "new chain projects"),
    # --- figures of the books -----------------------------------------------------------------
    "book.generated_t": ("产生量（吨）", "generated, t"),
    "book.utilised_t": ("综合利用量（吨）", "utilised, t"),
    "book.utilised_prior_t": ("其中：综合利用往年贮存量（吨）", "of which prior-year stock, t"),
    "book.disposed_t": ("处置量（吨）", "disposed, t"),
    "book.disposed_prior_t": ("其中：处置往年贮存量（吨）", "of which prior-year stock, t"),
    "book.stored_t": ("贮存量（吨）", "stored, t"),
    "book.used_in_park_t": (
        "园区内利用量（不论何家产生，吨）",
        "used in the park, whosever waste, t",
    ),
    "book.firms": ("园区登记企业数", "firms registered"),
    "book.linked_firms": ("有利用交换的企业数", "firms that gave or took waste for use"),
    # --- indicators ---------------------------------------------------------------------------
    "name.utilisation": ("工业固体废物综合利用率", "utilisation rate"),
    "how.utilisation": (
        "综合利用量 ÷（产生量 + 综合利用往年贮存量）",
        "utilised ÷ (generated + utilised prior stock)",
    ),
    "name.handling": ("工业固体废物处置利用率", "utilisation and disposal rate"),
    "how.handling": (
        "（综合利用量 + 处置量）÷（产生量 + 综合利用往年贮存量 + 处置往年贮存量）",
        "(utilised + disposed) ÷ (generated + both prior stocks)",
    ),
    "name.handling_with_hazardous": (
        "固体废弃物（含危废）处置利用率",
        "the same, hazardous waste included",
    ),
    "how.handling_with_hazardous": (
        "（综合利用量 + 处置量 + 危险废物利用处置量）÷（产生量 + 两项往年贮存量 + 危险废物产生量）",
        "(utilised + disposed + hazardous handled) ÷ (generated + both prior stocks + hazardous "
        "generated)",
    ),
    "name.generation_intensity": ("一般工业固体废物产生强度", "generation intensity"),
    "how.generation_intensity": ("产生量 ÷ 工业增加值", "generated ÷ industrial value added"),
    "name.left_decline": (
        "一般工业固体废物贮存处置量下降幅度",
        "decline of what is stored and disposed of",
    ),
    "how.left_decline": (
        "（上年 − 本年）÷ 上年，各为贮存量 + 处置量",
        "(year before − year) ÷ year before, each stored + disposed",
    ),
    "name.renewable_recycling": ("再生资源循环利用率", "recycling of renewable resources"),
    "how.renewable_recycling": (
        "再生资源循环利用量 ÷ 再生资源收集量",
        "recycled ÷ collected",
    ),
    "name.new_chain_projects": (
        "建设规划实施后新增构建生态工业链项目数量",
        "new projects that build industrial chains",
    ),
    "how.new_chain_projects": ("园区填报", "as stated"),
    "name.chain_firms": ("生态工业链企业比例", "share of firms in industrial chains"),
    "how.chain_firms": (
        "当年与他家有利用交换的企业数 ÷ 园区登记企业数",
        "firms that gave or took waste for use ÷ firms registered",
    ),
    "name.circular_share": ("循环物料占比", "share of circular material"),
    "how.circular_share": (
        "园区内利用量 ÷（主要资源消费量 + 园区内利用量）",
        "used in the park ÷ (main resources + used in the park)",
    ),
    "name.resource_productivity": ("资源产出率", "resource productivity"),
    "how.resource_productivity": (
        "工业增加值 ÷ 主要资源消费量",
        "industrial value added ÷ main resources consumed",
    ),
    "name.energy_productivity": ("能源产出率", "energy productivity"),
    "how.energy_productivity": (
        "工业增加值 ÷ 综合能源消费量",
        "industrial value added ÷ energy consumed",
    ),
    "name.water_productivity": ("水资源产出率", "water productivity"),
    "how.water_productivity": (
        "工业增加值 ÷ 工业用水量",
        "industrial value added ÷ industrial water use",
    ),
}
"""Key → (Chinese, English)."""


def indicator_word(key: str, lang: str, **params: object) -> str:
    """The words of a key; `{name}` takes a parameter."""
    return INDICATOR_WORDS[key][1 if lang == "en" else 0].format_map(params)
