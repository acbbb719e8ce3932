"""The closed word lists of the contract (4-contract 4.1) with their Chinese labels.

One table per list; schemas, pages, templates and exports read these and add none of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class Evidence(IntEnum):
    """Grade of a posting; the larger number is the worse evidence and wins."""

    BOTH = 0
    ONE_SIDED = 1
    IMPORTED = 2
    ESTIMATED = 3
    DISPUTED = 4

    @property
    def word(self) -> str:
        """The word of the contract."""
        return self.name.lower()


class EntryKind(StrEnum):
    """What one enterprise records alone."""

    OPENING = "opening"
    GENERATION = "generation"
    TO_YARD = "to_yard"
    FROM_YARD = "from_yard"
    USE = "use"
    DISPOSAL = "disposal"
    TREATMENT = "treatment"
    DUMPING = "dumping"
    STOCKTAKE = "stocktake"


class LoadKind(StrEnum):
    """A load, or what becomes of a refused part."""

    DELIVERY = "delivery"
    RETURN = "return"
    REDIRECT = "redirect"


class LoadState(StrEnum):
    """State of a shipment, the fold of its events."""

    DRAFT = "draft"
    ISSUED = "issued"
    IN_TRANSIT = "in_transit"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    PARTLY_ACCEPTED = "partly_accepted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    LOST = "lost"


class Fate(StrEnum):
    """What a route does with the material."""

    USE = "use"
    DISPOSAL = "disposal"
    STORAGE = "storage"
    TREATMENT = "treatment"
    TRANSFER = "transfer"


EVIDENCE = {grade.word: grade for grade in Evidence}
ROUTE_ENTRIES = {
    EntryKind.USE: Fate.USE,
    EntryKind.DISPOSAL: Fate.DISPOSAL,
    EntryKind.TREATMENT: Fate.TREATMENT,
}
"""Entry kinds that need a route, and the fate that route must have."""

LABELS: dict[str, dict[str, str]] = {
    "kind": {
        "opening": "期初库存",
        "generation": "产生",
        "to_yard": "入库",
        "from_yard": "出库",
        "use": "自行利用",
        "disposal": "自行处置",
        "treatment": "无害化处理",
        "dumping": "倾倒丢弃",
        "stocktake": "盘点",
    },
    "load_kind": {"delivery": "交付", "return": "退回", "redirect": "转送"},
    "state": {
        "draft": "草稿",
        "issued": "已开单",
        "in_transit": "在途",
        "received": "已到货",
        "accepted": "已接收",
        "partly_accepted": "部分接收",
        "refused": "拒收",
        "cancelled": "已取消",
        "lost": "灭失",
    },
    "fate": {
        "use": "综合利用",
        "disposal": "处置",
        "storage": "贮存",
        "treatment": "处理",
        "transfer": "转运",
    },
    "evidence": {
        "both": "双方确认",
        "one_sided": "单方记录",
        "imported": "第三方导入",
        "estimated": "估算",
        "disputed": "有争议",
    },
    "mode": {
        "road": "公路",
        "rail": "铁路",
        "water": "水路",
        "conveyor": "皮带",
        "pipeline": "管道",
    },
    "weighed": {"measured": "实测", "estimated": "估算"},
    "basis": {"wet": "湿基", "dry": "干基"},
    "facility_kind": {
        "generation": "产生",
        "storage": "贮存",
        "use": "利用",
        "disposal": "处置",
        "treatment": "处理",
    },
    "status": {
        "planned": "规划",
        "building": "在建",
        "operating": "运行",
        "closed": "关停",
    },
    "level": {
        "national": "国家级",
        "provincial": "省级",
        "municipal": "市级",
        "county": "县级",
        "district": "区级",
        "other": "其他",
    },
    "reason": {"moisture": "含水率", "survey": "测量", "loss": "损耗", "other": "其他"},
    "crs": {
        "WGS84": "WGS84",
        "CGCS2000": "国家2000",
        "GCJ-02": "火星坐标",
        "BD-09": "百度坐标",
    },
    "metric": {
        "official": "综合利用率",
        "simple": "简单综合利用率",
        "new_waste": "新增综合利用率",
        "fate_share": "占利用处置总量比",
        "disposal_inclusive": "处置利用率",
        "consumption_balance": "产消平衡",
        "utilised_amount": "年利用量",
        "net_new_stock": "新增堆存量",
        "qualitative": "定性要求",
    },
    "product": {
        "p2o5": "五氧化二磷",
        "phosphoric_acid": "磷酸",
        "h3po4_100": "折百磷酸",
        "phosphate_fertiliser": "磷肥",
        "dap": "磷酸二铵",
        "crude_steel": "粗钢",
        "converter_steel": "转炉钢",
        "eaf_steel": "电炉钢",
        "alumina": "氧化铝",
        "alumina_sinter": "烧结法氧化铝",
        "coker_feed": "延迟焦化进料",
    },
    "park_input": {
        "industrial_value_added": "工业增加值",
        "resource_consumption": "主要资源消费量",
        "energy_consumption": "综合能源消费量",
        "water_use": "工业用水量",
        "renewable_collected": "再生资源收集量",
        "renewable_recycled": "再生资源循环利用量",
        "hazardous_generated": "危险废物产生量",
        "hazardous_handled": "危险废物利用处置量",
        "new_chain_projects": "新增生态工业链项目数",
    },
    "grade": {"I": "第Ⅰ类", "II": "第Ⅱ类"},
    "binding": {"binding": "约束性", "guiding": "指导性"},
    "operator": {">=": "不低于", "<=": "不高于", "keep": "保持"},
    "yes_no": {"true": "是", "false": "否"},
}
"""List name → word → Chinese label.  Files accept the word or the label."""

_ALIASES: dict[str, dict[str, str]] = {
    "fate": {"利用": "use"},
    "kind": {"利用": "use", "处置": "disposal", "处理": "treatment", "倾倒": "dumping"},
    "mode": {"道路": "road", "汽车": "road", "水运": "water", "输送带": "conveyor"},
    "yes_no": {"yes": "true", "no": "false", "1": "true", "0": "false"},
    "operator": {"≥": ">=", "≤": "<="},
    "grade": {"ⅰ": "I", "ⅱ": "II", "1": "I", "2": "II", "第i类": "I", "第ii类": "II"},
    "load_kind": {"退货": "return", "发运": "delivery"},
}


def word_of(vocabulary: str, text: str) -> str | None:
    """The word of `vocabulary` meant by `text` (word in any case, or Chinese label), or None.

    >>> word_of("mode", "公路"), word_of("mode", "Rail"), word_of("mode", "x")
    ('road', 'rail', None)
    """
    clean = text.strip()
    words = LABELS[vocabulary]
    for word, label in words.items():
        if clean == label or clean.lower() == word.lower():
            return word
    return _ALIASES.get(vocabulary, {}).get(clean.lower())


class Labelled(str):
    """Words with their Chinese labels, and as they stand without them (`words`) in English."""

    __slots__ = ("words",)
    words: str

    def __new__(cls, pairs: Iterable[tuple[str, str]]) -> Labelled:
        """pairs: (word, label)."""
        listed = list(pairs)
        found = super().__new__(cls, ", ".join(f"{word} {label}" for word, label in listed))
        found.words = ", ".join(word for word, _ in listed)
        return found


class Named(Labelled):
    """A name in Chinese, and in English (`words`)."""

    __slots__ = ()

    def __new__(cls, zh: str, en: str) -> Named:
        """Both names; an English one that is not known is the Chinese one."""
        found = str.__new__(cls, zh)
        found.words = en or zh
        return found

    def __reduce__(self) -> tuple[type[Named], tuple[str, str]]:
        """Both names, wherever it is sent."""
        return Named, (str(self), self.words)


def as_text(value: object) -> str:
    """A parameter of a message as a text; one with words for each language keeps them."""
    return value if isinstance(value, str) else str(value)


def label(vocabulary: str, word: str, lang: str = "zh") -> str:
    """The label of a word for people: Chinese, or the word with spaces in English."""
    if lang == "zh":
        return LABELS[vocabulary].get(word, word)
    return word.replace("_", " ")
