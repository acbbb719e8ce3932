"""Settings of the program, one documented row each, read from the environment; no other logic."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from msgspec import Struct

from wasteflow.config_accounts import (
    ACCOUNT_SETTINGS,
    CLOSED,
    AccountConfig,
    Setting,
    load_accounts,
)
from wasteflow.config_api import API_SETTINGS, PLAIN, ApiConfig, load_api
from wasteflow.config_files import FILE_SETTINGS, USUAL_FILES, FileConfig, load_files
from wasteflow.core.lifecycle import USUAL_WAITS, Waits
from wasteflow.core.rules import USUAL_TOLERANCE, WHOLE, Tolerance

LANGS: Final = ("zh", "en")
DATABASE_FILE: Final = "wasteflow.sqlite3"
DEFAULT_KEPT_MB: Final = 64


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "WASTEFLOW_INSTANCE",
        "./instance",
        "实例文件夹：SQLite 文件所在处",
        "instance folder: where the SQLite file lies",
    ),
    Setting(
        "WASTEFLOW_DATABASE_URL",
        "sqlite:///<instance>/wasteflow.sqlite3",
        "数据库地址；PostgreSQL 写作 postgresql+psycopg://用户:密码@主机/库",
        "database URL; for PostgreSQL postgresql+psycopg://user:password@host/database",
    ),
    Setting(
        "WASTEFLOW_LANG",
        "zh",
        "页面与消息的默认语言：zh 或 en",
        "language of pages and messages unless switched: zh or en",
    ),
    Setting(
        "WASTEFLOW_BASEMAP_URL",
        "",
        "经审核的底图瓦片地址（含 {z} {x} {y}）；空 = 无底图，不发任何站外请求",
        "tile URL of a reviewed basemap (with {z} {x} {y}); empty = none, no foreign request",
    ),
    Setting(
        "WASTEFLOW_BASEMAP_ATTRIBUTION",
        "",
        "底图署名，设底图时必填",
        "attribution of the basemap, required with it",
    ),
    Setting(
        "WASTEFLOW_BASEMAP_APPROVAL",
        "",
        "底图审图号，设底图时必填",
        "approval number (审图号) of the basemap, required with it",
    ),
    Setting(
        "WASTEFLOW_KEPT_MB",
        "64",
        "每个服务进程在内存中保留的页面与数据，兆字节；0 = 不保留",
        "pages and data each server process keeps in memory, megabytes; 0 = none",
    ),
    Setting(
        "WASTEFLOW_SETTLE_DAYS",
        "15",
        "重量有争议时，园区在验收多少天后可以裁定",
        "days after the decision from which the park may settle disputed weights",
    ),
    Setting(
        "WASTEFLOW_TOLERANCE_REASON_PCT",
        "2",
        "发运与到货重量相差超过百分之几须说明原因",
        "percent by which received and dispatched weight may differ before a reason is asked",
    ),
    Setting(
        "WASTEFLOW_TOLERANCE_DISPUTE_PCT",
        "10",
        "相差超过百分之几即列为有争议；不低于前一项",
        "percent above which a load is disputed; never below the one before",
    ),
    Setting(
        "WASTEFLOW_CLOSE_DAYS",
        "10",
        "首次催办多少天后可以单方办结",
        "days after the first reminder from which a load may be closed one-sided",
    ),
    Setting(
        "WASTEFLOW_REFUSED_DAYS",
        "30",
        "拒收量多少天未退回或转送即列为提示",
        "days after which a refused part that nothing moved becomes a finding",
    ),
    *ACCOUNT_SETTINGS,
    *(Setting(*row) for row in API_SETTINGS),
    *(Setting(*row) for row in FILE_SETTINGS),
)
"""Every setting there is; the guide prints this table."""


class Basemap(Struct, frozen=True):
    """A reviewed basemap: tile URL, attribution and approval number (审图号)."""

    url: str
    attribution: str
    approval_no: str

    def as_dict(self) -> dict[str, str]:
        """The shape `wasteflow_maps.layers.map_data` takes."""
        return {"url": self.url, "attribution": self.attribution, "approval_no": self.approval_no}


class Config(Struct, frozen=True):
    """Settings in force."""

    database_url: str
    lang: str = "zh"
    basemap: Basemap | None = None
    kept_mb: int = DEFAULT_KEPT_MB
    waits: Waits = USUAL_WAITS
    tolerance: Tolerance = USUAL_TOLERANCE
    accounts: AccountConfig = CLOSED
    api: ApiConfig = PLAIN
    files: FileConfig = USUAL_FILES


def instance_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The instance folder as an absolute path; it is not made here.

    >>> instance_folder({"WASTEFLOW_INSTANCE": "/srv/books"}).as_posix().endswith("/srv/books")
    True
    """
    env = os.environ if environ is None else environ
    return Path(env.get("WASTEFLOW_INSTANCE") or "instance").resolve()


def database_url(environ: Mapping[str, str] | None = None) -> str:
    """The database URL in force.

    >>> database_url({"WASTEFLOW_DATABASE_URL": "sqlite:///a.sqlite3"})
    'sqlite:///a.sqlite3'
    """
    env = os.environ if environ is None else environ
    given = env.get("WASTEFLOW_DATABASE_URL")
    return given or f"sqlite:///{(instance_folder(env) / DATABASE_FILE).as_posix()}"


def load_config(environ: Mapping[str, str] | None = None) -> Config:
    """Every setting in force; an unknown language or number falls back to the default."""
    env = os.environ if environ is None else environ
    lang = env.get("WASTEFLOW_LANG", "zh")
    url = env.get("WASTEFLOW_BASEMAP_URL", "")
    basemap = Basemap(
        url,
        env.get("WASTEFLOW_BASEMAP_ATTRIBUTION", ""),
        env.get("WASTEFLOW_BASEMAP_APPROVAL", ""),
    )
    kept = env.get("WASTEFLOW_KEPT_MB", "")
    waits = USUAL_WAITS
    return Config(
        database_url(env),
        lang if lang in LANGS else "zh",
        basemap if url else None,
        int(kept) if kept.isascii() and kept.isdigit() else DEFAULT_KEPT_MB,
        Waits(
            _days(env, "WASTEFLOW_SETTLE_DAYS", waits.settle_days),
            _days(env, "WASTEFLOW_CLOSE_DAYS", waits.close_days),
            _days(env, "WASTEFLOW_REFUSED_DAYS", waits.refused_days),
        ),
        _tolerance(env),
        load_accounts(env),
        load_api(env),
        load_files(env),
    )


def _tolerance(env: Mapping[str, str]) -> Tolerance:
    """Both tolerances; the default of one that is no percentage, and a dispute never below.

    >>> _tolerance({"WASTEFLOW_TOLERANCE_DISPUTE_PCT": "7.5"})
    Tolerance(reason=2000, dispute=7500)
    """
    usual = USUAL_TOLERANCE
    reason = _percent(env, "WASTEFLOW_TOLERANCE_REASON_PCT", usual.reason)
    dispute = _percent(env, "WASTEFLOW_TOLERANCE_DISPUTE_PCT", usual.dispute)
    return Tolerance(reason, max(reason, dispute))


def _percent(env: Mapping[str, str], name: str, default: int) -> int:
    """Thousandths of a percent of a setting from 0 to 100; its default where it is none."""
    try:
        told = Decimal(env.get(name, "").strip())
        found = int((told * 1000).to_integral_value())
    except (InvalidOperation, OverflowError, ValueError):
        return default
    return found if 0 <= found <= WHOLE else default


def _days(env: Mapping[str, str], name: str, default: int) -> int:
    """Whole days of a setting; its default where it is no number."""
    told = env.get(name, "")
    return int(told) if told.isascii() and told.isdigit() else default
