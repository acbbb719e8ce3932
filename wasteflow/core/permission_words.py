"""Labels of rights, roles and standings, Chinese and English, for menus and documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wasteflow.core.actors import Role
from wasteflow.core.permissions import Standing

Pair = tuple[str, str]

RIGHT_LABELS: Final[Mapping[str, Pair]] = {
    "shipment.read": ("查看运单", "read loads"),
    "shipment.draft": ("起草、修改、删除草稿运单", "draft, change and delete drafts of loads"),
    "shipment.issue": ("开具运单", "issue a load"),
    "shipment.dispatch": ("发运", "dispatch"),
    "shipment.hand_over": ("交接给下一承运人", "hand over to the next carrier"),
    "shipment.receive": ("到货过磅", "receive and weigh"),
    "shipment.decide": ("验收（接收、部分接收、拒收）", "decide (accept, in part, refuse)"),
    "shipment.cancel": ("取消运单", "cancel a load"),
    "shipment.lost": ("登记灭失", "report a load as lost"),
    "shipment.dispute": ("确认或质疑重量", "acknowledge or contest weights"),
    "shipment.settle": ("裁定争议", "settle a dispute"),
    "shipment.close_one_sided": ("单方关闭", "close one-sidedly"),
    "shipment.confirm": ("事后确认单方关闭的运单", "confirm a load closed one-sidedly"),
    "revision.propose": ("提出更正", "propose a revision"),
    "revision.answer": ("同意或拒绝更正", "approve or refuse a revision"),
    "entry.read": ("查看台账记录和产量", "read entries and product output"),
    "entry.write": ("登记、冲销台账记录和产量", "write and reverse entries and product output"),
    "month.close": ("关账", "close a month"),
    "month.reopen": ("重开已关账月份", "reopen a closed month"),
    "report.read": ("查看指标、流向、平衡与地图", "read rates, flows, balances and the map"),
    "report.summary": (
        "查看所在园区和地区的汇总（少于 3 家不显示）",
        "read sums of one's park and regions (fewer than 3 firms hidden)",
    ),
    "report.calculate": ("核对公布数（不涉及账本）", "check published figures (not of the books)"),
    "finding.snooze": ("暂缓提示（说明原因和期限）", "snooze findings with a reason and a date"),
    "indicator.write": ("填报园区指标数据", "state the inputs of park indicators"),
    "registry.read": ("查看名录", "read the registry"),
    "registry.write": ("维护园区与企业名录", "maintain parks and enterprises"),
    "outline.write": ("更新园区边界", "change outlines of parks"),
    "facility.write": ("维护设施", "maintain facilities"),
    "target.write": ("维护目标", "maintain targets"),
    "filing.write": ("维护跨省备案", "maintain cross-province filings"),
    "offer.read": (
        "查看供需对接（不相关者不显名）",
        "read offers (others’ without names)",
    ),
    "offer.write": ("发布、答复供应与求购", "make and answer offers and asks"),
    "offer.propose": ("建议新链接", "propose links between firms"),
    "import.read": ("查看导入", "read imports"),
    "import.write": ("导入文件", "import files"),
    "export.read": ("导出", "export"),
    "attachment.read": ("查看附件", "read attachments"),
    "attachment.write": ("上传附件", "add attachments"),
    "webhook.read": ("查看推送", "read webhooks"),
    "webhook.write": ("设置推送", "set up webhooks"),
    "scenario.read": ("查看情景", "read scenarios"),
    "scenario.write": ("新建、修改、删除情景", "make, change and delete scenarios"),
    "seal.read": ("查看封存与证明", "read seals and proofs"),
    "seal.write": ("封存", "seal"),
    "account.read": ("查看账户", "read an account"),
    "account.write": ("修改密码和语言", "change password and language"),
    "token.read": ("查看令牌", "read tokens"),
    "token.write": ("生成令牌", "create tokens"),
    "token.revoke": ("撤销令牌", "revoke tokens"),
    "user.read": ("查看所有用户", "read all users"),
    "user.write": ("停用用户、重设密码", "deactivate users, reset passwords"),
    "user.create": ("新建用户", "create users"),
    "member.read": ("查看企业成员", "read members of an enterprise"),
    "member.write": ("授予、撤销企业角色", "grant and revoke roles in an enterprise"),
    "office.read": (
        "查看园区、规划、承运和系统角色",
        "read roles of parks, planners, carriers, system",
    ),
    "office.write": (
        "授予、撤销园区、规划、承运和系统角色",
        "grant and revoke roles of parks, planners, carriers, system",
    ),
    "delegation.read": ("查看委托", "read delegations"),
    "delegation.write": ("授予、撤销委托", "grant and revoke delegations"),
    "audit.read": ("查看操作日志", "read the audit log"),
}
"""Right → (Chinese, English)."""

ROLE_LABELS: Final[Mapping[Role, Pair]] = {
    Role.ENTERPRISE_ADMIN: ("企业管理员", "enterprise admin"),
    Role.OPERATOR: ("经办人", "operator"),
    Role.GATE: ("门岗（过磅）", "gate"),
    Role.READER: ("查阅人", "reader"),
    Role.CARRIER: ("承运人", "carrier"),
    Role.DELEGATE: ("受托人", "delegate"),
    Role.PARK_MANAGER: ("园区管理员", "park manager"),
    Role.PLANNER: ("规划人员", "planner"),
    Role.SYSTEM_ADMIN: ("系统管理员", "system admin"),
}

STANDING_LABELS: Final[Mapping[Standing, Pair]] = {
    Standing.ANYWHERE: ("不限", "anywhere"),
    Standing.SELF: ("本人", "oneself"),
    Standing.CONSIGNOR: ("发货方", "consignor"),
    Standing.CONSIGNEE: ("收货方", "consignee"),
    Standing.CARRIER: ("承运方", "carrier"),
    Standing.CARRIED: ("交接前的承运方", "carrier before a hand-over"),
    Standing.HOLDER: ("退回、转送物料的原发货方", "whose mass a return or redirect moves"),
    Standing.OWN: ("本企业", "own enterprise"),
    Standing.PARK: ("所辖园区", "own park"),
    Standing.REGION: ("所辖地区", "own region"),
    Standing.SYSTEM: ("全系统", "whole system"),
}
