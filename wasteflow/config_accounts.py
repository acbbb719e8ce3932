"""Settings of accounts, sign-in, identity provider, proxy and rate limits; no other logic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

YES: Final = ("1", "true", "yes", "on")


class Setting(Struct, frozen=True):
    """One environment variable: name, default as written, what it does (Chinese, English)."""

    name: str
    default: str
    zh: str
    en: str


ACCOUNT_SETTINGS: Final = (
    Setting(
        "WASTEFLOW_OPEN_READING",
        "0",
        "1 = 无须账户即可查看全部（演示、单机使用）；写入仍须登录",
        "1 = everybody reads everything without an account (a demo, one office machine); writing "
        "still needs one",
    ),
    Setting(
        "WASTEFLOW_SECRET_KEY",
        "",
        "签署会话 Cookie 的密钥；空 = 用数据库里生成的密钥，各进程共用",
        "key that signs session cookies; empty = the one made in the database, shared by all "
        "processes",
    ),
    Setting(
        "WASTEFLOW_SESSION_HOURS",
        "12",
        "登录有效小时数",
        "hours a sign-in holds",
    ),
    Setting(
        "WASTEFLOW_PROXIES",
        "0",
        "前面反向代理的层数；按层数采信 X-Forwarded-For、-Proto、-Host",
        "number of reverse proxies in front; so many entries of X-Forwarded-For, -Proto and -Host "
        "are believed",
    ),
    Setting(
        "WASTEFLOW_LIMIT_SIGN_IN",
        "20 per minute",
        "每个地址提交登录的频率上限",
        "how often one address may try to sign in",
    ),
    Setting(
        "WASTEFLOW_LIMIT_API",
        "6000 per minute",
        "每个令牌（无令牌时每个地址）调用接口的频率上限；空 = 不限",
        "how often one token (without one: one address) may call the API; empty = no limit",
    ),
    Setting(
        "WASTEFLOW_OIDC_ISSUER",
        "",
        "统一身份（OpenID Connect）发行方地址；空 = 不启用。须安装 wasteflow[oidc]",
        "issuer of the OpenID Connect provider; empty = off. Needs wasteflow[oidc]",
    ),
    Setting("WASTEFLOW_OIDC_CLIENT_ID", "", "在发行方登记的客户端标识", "client id at the issuer"),
    Setting("WASTEFLOW_OIDC_CLIENT_SECRET", "", "客户端密钥", "client secret"),
    Setting(
        "WASTEFLOW_OIDC_CLAIM",
        "sub",
        "用来对应用户的声明：sub、email（须已验证）或其他",
        "claim by which users are matched: sub, email (must be verified) or another",
    ),
    Setting(
        "WASTEFLOW_OIDC_CREATE",
        "0",
        "1 = 首次登录时自动建立没有角色的用户",
        "1 = create a user without a role at the first sign-in",
    ),
    Setting(
        "WASTEFLOW_OIDC_NAME",
        "",
        "登录按钮上的名称",
        "name on the sign-in button",
    ),
)
"""Part of `config.SETTINGS`."""


class Oidc(Struct, frozen=True):
    """An OpenID Connect provider; off without an issuer."""

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    claim: str = "sub"
    create: bool = False
    name: str = ""


NO_OIDC: Final = Oidc()


class AccountConfig(Struct, frozen=True):
    """Settings of accounts in force."""

    open_reading: bool = False
    secret_key: str = ""
    session_hours: int = 12
    proxies: int = 0
    limit_sign_in: str = "20 per minute"
    limit_api: str = "6000 per minute"
    oidc: Oidc = NO_OIDC


CLOSED: Final = AccountConfig()
"""The default: everybody signs in."""
OPEN: Final = AccountConfig(open_reading=True)
"""Everybody reads everything; what tests of pages and the demo use."""


def load_accounts(env: Mapping[str, str]) -> AccountConfig:
    """The settings out of the environment; what is no number falls back to the default."""
    plain = {item.name: env.get(item.name, item.default) for item in ACCOUNT_SETTINGS}

    def yes(name: str) -> bool:
        return plain[name].strip().lower() in YES

    def number(name: str, default: int) -> int:
        word = plain[name]
        return int(word) if word.isascii() and word.isdigit() else default

    return AccountConfig(
        open_reading=yes("WASTEFLOW_OPEN_READING"),
        secret_key=plain["WASTEFLOW_SECRET_KEY"],
        session_hours=max(1, number("WASTEFLOW_SESSION_HOURS", 12)),
        proxies=number("WASTEFLOW_PROXIES", 0),
        limit_sign_in=plain["WASTEFLOW_LIMIT_SIGN_IN"],
        limit_api=plain["WASTEFLOW_LIMIT_API"],
        oidc=Oidc(
            issuer=plain["WASTEFLOW_OIDC_ISSUER"],
            client_id=plain["WASTEFLOW_OIDC_CLIENT_ID"],
            client_secret=plain["WASTEFLOW_OIDC_CLIENT_SECRET"],
            claim=plain["WASTEFLOW_OIDC_CLAIM"] or "sub",
            create=yes("WASTEFLOW_OIDC_CREATE"),
            name=plain["WASTEFLOW_OIDC_NAME"],
        ),
    )
