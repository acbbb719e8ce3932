"""What plants write above their columns, by kind: header → column of the contract; data only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from wasteflow.schemas.dictionary import header_key, header_names

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "shipments": {
        "doc_no": "运单号 运单编号 运单号码 联单号 联单编号 转移联单编号 出库单号 出厂单号 "
        "发货单号 提货单号 单据号 单据编号 票号 编号 流水号",
        "consignor": "发货方 发货企业 发货单位名称 移出单位 产生单位 产废单位 供货单位 "
        "供货方 转出单位",
        "consignee": "收货方 收货企业 收货单位名称 接收单位 接收方 移入单位 利用单位 客户 客户名称 "
        "购货单位 转入单位 去向单位",
        "material": "物料名称 货物名称 货名 品名 固废名称 固体废物名称 废物名称 产品名称 物资名称",
        "route": "利用方式 处置方式 利用处置方式 用途 去向方式 利用途径",
        "mode": "运输方式名称",
        "vehicle": "车牌 车号 车牌号码 车辆号码 车辆 运输车辆 汽车号",
        "carrier": "运输单位 承运方 承运商 承运人 运输公司 运输企业",
        "handler": "经手人 司磅员 过磅员 发货人 制单人",
        "dispatched_at": "发货日期 出厂时间 出厂日期 日期 出库日期 出库时间 过磅时间 转移日期 "
        "转移时间 装车时间 装车日期 发运日期 发运时间 运输日期 运输时间 外运日期 外运时间 "
        "装运日期 过磅日期 称重时间 称重日期",
        "dispatched_t": "净重 数量 发货重量 发货净重 出厂净重 重量 吨位 发货吨位 转移量 转移数量 "
        "发出量 出库数量 出库量 发货吨数 发货数量 外运量 外运吨数 运出量 装车重量 装车净重 "
        "装货净重 过磅净重 过磅重量",
        "moisture_pct": "水分 水份 含水量 水分含量",
        "ticket_no": "磅单编号 过磅单号 磅票号 榜单号 计量单号 地磅单号",
        "received_at": "收货时间 收货日期 到货日期 到厂时间 到厂日期 入库日期 签收日期 签收时间",
        "received_t": "到货净重 收货净重 到厂净重 收货重量 收货量 到货重量 实收 实收量 "
        "收货吨数 到货吨数 收货数量 到货数量 实收吨数 实收重量 卸货净重 卸货重量 卸车重量",
        "accepted_t": "验收量 验收重量 验收吨数 签收量 签收重量 接收数量 接收吨数",
        "refused_t": "退货量 拒收重量",
        "loads": "车次 趟数 车数量",
        "remark": "说明 备注说明",
    },
    "entries": {
        "doc_no": "记录号 记录编号 台账编号 编号 流水号 单据号 单据编号",
        "enterprise": "单位 企业名称 单位名称 产生单位 产废单位 填报单位",
        "facility": "设施编码 设施名称 贮存设施 堆场",
        "kind": "类别 记录类型 业务类型 类型",
        "material": "物料名称 固废名称 固体废物名称 废物名称 品名",
        "route": "利用方式 处置方式 利用处置方式 用途 利用途径",
        "date": "时间 产生日期 记录日期 产生时间 入库日期",
        "tonnes": "数量 重量 产生量 净重 吨位",
        "moisture_pct": "水分 水份 含水量",
        "handler": "经手人 填表人 记录人",
        "remark": "说明",
    },
    "products": {
        "enterprise": "单位 企业名称 单位名称",
        "product": "产品名称 品名",
        "date": "时间 生产日期",
        "tonnes": "数量 产量 重量",
    },
    "park_inputs": {
        "park": "园区代码 园区名称",
        "input": "指标名称 项目",
        "value": "数量 数据",
        "source": "资料来源 出处",
    },
    "profiles": {
        "enterprise": "单位 企业名称 单位名称 产生单位",
        "material": "物料名称 固废名称 固体废物名称 废物名称 名称",
        "waste_code": "废物代码 固体废物代码",
        "class": "固废类别 废物类别",
    },
    "enterprises": {
        "code": "企业代码 企业编码 单位代码",
        "name_zh": "企业名称 单位名称 名称",
        "uscc": "信用代码 社会信用代码 组织机构代码",
        "park": "所属园区 所在园区",
        "region": "所属行政区 所在地区",
        "industry": "行业类别 所属行业",
    },
    "facilities": {
        "code": "设施代码 设施编码 设施编号",
        "name": "设施名称",
        "kind": "设施类型 类别",
        "capacity_t_per_year": "年能力 处理能力 设计能力",
    },
}
NUMBERS: Final[Mapping[str, tuple[str, str]]] = {"shipments": ("ticket_no", "doc_no")}
"""Kind → (column, required column it stands for where a sheet has no other number)."""
IGNORED: Final = frozenset(["序号", "序", "no.", "no", "#", "行号", "num"])
"""Headers of running numbers: no column of ours, and never a mistake."""
FACTORS: Final[Mapping[str, tuple[int, int]]] = {
    "万吨": (10_000, 1),
    "万t": (10_000, 1),
    "10kt": (10_000, 1),
    "千吨": (1000, 1),
    "kt": (1000, 1),
    "吨": (1, 1),
    "t": (1, 1),
    "kg": (1, 1000),
    "千克": (1, 1000),
    "公斤": (1, 1000),
}
"""Unit in a header → (times, divided by) that makes tonnes of it."""
_UNIT: Final = re.compile(r"[(（\[【/／:：]\s*(?:单位[:：]?)?\s*([\w万]+)\s*[)）\]】]?\s*$")


@cache
def names_of(kind: str) -> Mapping[str, str]:
    """Reduced header → column of `kind`: contract names, labels, and what plants write."""
    names: dict[str, str] = {}
    for column, words in _WORDS.get(kind, {}).items():
        for word in words.split():
            names[header_key(word)] = column
    return MappingProxyType(names | dict(header_names(kind)))


def column_of(kind: str, header: str) -> str:
    """The column a header cell means, "" if none.

    >>> column_of("shipments", "净重(kg)"), column_of("entries", "?")
    ('dispatched_t', '')
    """
    names = names_of(kind)
    key = header_key(header)
    if key in names:
        return names[key]
    found = names.get(header_key(_UNIT.sub("", header)), "")
    if not found and " " in header.strip():  # both languages in one cell, as templates have it
        first, _, last = " ".join(header.split()).rpartition(" ")
        found = names.get(header_key(last), "")
        if found and names.get(header_key(first), found) != found:
            return ""
    return found


def factor_of(header: str, usual: str = "") -> tuple[int, int]:
    """(times, divided by) that makes tonnes of a number under this header.

    usual: the unit of headers that name none, "" for tonnes.

    >>> factor_of("重量(kg)"), factor_of("产生量（万吨）"), factor_of("净重")
    ((1, 1000), (10000, 1), (1, 1))
    """
    found = _UNIT.search(header)
    if found:
        unit = unicodedata.normalize("NFKC", found.group(1)).casefold()
        if unit in FACTORS:
            return FACTORS[unit]
    return FACTORS.get(usual, (1, 1))
