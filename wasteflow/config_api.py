"""Settings of webhooks, kept answers, mail and seals; no other logic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

_YES: Final = ("1", "true", "yes", "on")
API_SETTINGS: Final = (
    (
        "WASTEFLOW_WEBHOOK_PRIVATE",
        "0",
        "1 = 回调可发往内网与 http 地址（封闭网络、测试）",
        "1 = webhooks may call addresses inside and http (closed networks, tests)",
    ),
    (
        "WASTEFLOW_IDEMPOTENCY_DAYS",
        "7",
        "带 Idempotency-Key 的请求，其答复保留的天数",
        "days for which the answer to a request with an Idempotency-Key is kept",
    ),
    (
        "WASTEFLOW_SMTP_HOST",
        "",
        "发送提醒邮件的 SMTP 服务器；空 = 不发邮件",
        "SMTP server that reminders are mailed by; empty = no mail",
    ),
    (
        "WASTEFLOW_SEAL_HOURS",
        "24",
        "服务运行时每隔多少小时封存一次新记录；0 = 只用命令封存",
        "hours between seals of new records while serving; 0 = by command only",
    ),
    (
        "WASTEFLOW_FINDING_DAYS",
        "400",
        "已解决的提示保留的天数，之后由服务清除",
        "days that resolved findings are kept before the server drops them",
    ),
    ("WASTEFLOW_SMTP_PORT", "587", "SMTP 端口", "port of the SMTP server"),
    (
        "WASTEFLOW_SMTP_TLS",
        "starttls",
        "starttls、tls（直接加密）或 none（仅限本机）",
        "starttls, tls (from the start) or none (on the same machine only)",
    ),
    ("WASTEFLOW_SMTP_USER", "", "SMTP 用户名", "user name at the SMTP server"),
    ("WASTEFLOW_SMTP_PASSWORD", "", "SMTP 密码", "password at the SMTP server"),
    ("WASTEFLOW_SMTP_FROM", "", "发件人地址", "address of the sender"),
    (
        "WASTEFLOW_REMIND_HOUR",
        "7",
        "服务运行时每天几点（上海时间 0–23）起发送提醒邮件（须设 SMTP）；off = 只用命令发送",
        "hour of the day (0-23, Asia/Shanghai) from which a server mails the reminders, with SMTP "
        "set; off = by wasteflow remind only",
    ),
    (
        "WASTEFLOW_URL",
        "",
        "邮件中链接所用的站点地址，如 https://wasteflow.example",
        "address of the site for links in mails, such as https://wasteflow.example",
    ),
)
"""(name, default, Chinese, English); part of `config.SETTINGS`."""


class Smtp(Struct, frozen=True):
    """How reminders are mailed; off without a host."""

    host: str = ""
    port: int = 587
    tls: str = "starttls"
    user: str = ""
    password: str = ""
    sender: str = ""

    @property
    def usable(self) -> bool:
        """Whether mail can leave."""
        return bool(self.host and self.sender)


NO_MAIL: Final = Smtp()


class ApiConfig(Struct, frozen=True):
    """Settings of the API in force."""

    webhook_private: bool = False
    idempotency_days: int = 7
    smtp: Smtp = NO_MAIL
    remind_hour: int | None = 7
    url: str = ""
    seal_hours: int = 24
    finding_days: int = 400


PLAIN: Final = ApiConfig()
"""The default."""


def load_api(env: Mapping[str, str]) -> ApiConfig:
    """The settings out of the environment; what is no number falls back to the default."""
    given = {name: env.get(name, default) for name, default, _, _ in API_SETTINGS}
    tls = given["WASTEFLOW_SMTP_TLS"].strip().lower()
    return ApiConfig(
        webhook_private=given["WASTEFLOW_WEBHOOK_PRIVATE"].strip().lower() in _YES,
        idempotency_days=max(1, _number(given["WASTEFLOW_IDEMPOTENCY_DAYS"], 7)),
        smtp=Smtp(
            host=given["WASTEFLOW_SMTP_HOST"].strip(),
            port=_number(given["WASTEFLOW_SMTP_PORT"], 587),
            tls=tls if tls in ("starttls", "tls", "none") else "starttls",
            user=given["WASTEFLOW_SMTP_USER"],
            password=given["WASTEFLOW_SMTP_PASSWORD"],
            sender=given["WASTEFLOW_SMTP_FROM"] or given["WASTEFLOW_SMTP_USER"],
        ),
        remind_hour=_hour(given["WASTEFLOW_REMIND_HOUR"].strip().lower()),
        url=given["WASTEFLOW_URL"].rstrip("/"),
        seal_hours=_number(given["WASTEFLOW_SEAL_HOURS"], 24),
        finding_days=max(1, _number(given["WASTEFLOW_FINDING_DAYS"], 400)),
    )


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() else default


def _hour(text: str) -> int | None:
    """An hour of the day; None where it is off, the default where it is no hour."""
    if text in ("off", "no", "false"):
        return None
    hour = _number(text, 7)
    return hour if hour < 24 else 7
