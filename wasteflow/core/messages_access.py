"""Wording of codes about accounts and rights; see `messages`."""

from __future__ import annotations

from typing import Final

ACCESS_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "not_signed_in": (
        "请先登录。接口请在 Authorization 头中带上令牌。",
        "sign in first; the API takes a token in the Authorization header",
    ),
    "not_ones_business": (
        "没有这条记录，或它不属于您的单位。请核对编号，或向园区申请权限。",
        "there is no such record, or it is not your organisation's business; check the number or "
        "ask the park for access",
    ),
    "not_ones_right": (
        "您的角色不能做这一步[[（{right}）]]。请由有权限的同事办理，或请管理员调整角色。",
        "your role may not do this[[ ({right})]]; ask a colleague who may, or have an "
        "administrator change your role",
    ),
}
