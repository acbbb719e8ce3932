"""Wording of every code of the product, Chinese first and English too; no logic but `render`.

The texts stand in `messages_*`, one module per part of the product.  A text says what is wrong,
where, why, and what to do next; `{name}` takes a parameter, and what stands between `[[` and `]]`
is left out where one of its parameters is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from wasteflow.core.messages_access import ACCESS_MESSAGES
from wasteflow.core.messages_alerts import ALERT_MESSAGES
from wasteflow.core.messages_api import API_MESSAGES
from wasteflow.core.messages_audit import AUDIT_MESSAGES
from wasteflow.core.messages_closes import CLOSE_MESSAGES
from wasteflow.core.messages_corrections import CORRECTION_MESSAGES
from wasteflow.core.messages_disk import DISK_MESSAGES
from wasteflow.core.messages_files import FILE_MESSAGES
from wasteflow.core.messages_findings import FINDING_MESSAGES
from wasteflow.core.messages_geo import GEO_MESSAGES
from wasteflow.core.messages_jobs import JOB_MESSAGES, UPLOAD_MESSAGES
from wasteflow.core.messages_lists import LIST_MESSAGES
from wasteflow.core.messages_moves import (
    EVENT_WORDS,
    MOVE_MESSAGES,
    MOVE_WORDS,
    STANDING_WORDS,
)
from wasteflow.core.messages_offers import OFFER_MESSAGES
from wasteflow.core.messages_office import OFFICE_MESSAGES
from wasteflow.core.messages_rules import RULE_MESSAGES
from wasteflow.core.messages_scenarios import SCENARIO_MESSAGES
from wasteflow.core.messages_seals import SEAL_MESSAGES
from wasteflow.core.messages_symbiosis import SYMBIOSIS_MESSAGES
from wasteflow.core.messages_targets import TARGET_MESSAGES
from wasteflow.core.vocabulary import Labelled

MESSAGES: Final[dict[str, tuple[str, str]]] = {
    **DISK_MESSAGES,
    **FILE_MESSAGES,
    **RULE_MESSAGES,
    **FINDING_MESSAGES,
    **AUDIT_MESSAGES,
    **TARGET_MESSAGES,
    **ACCESS_MESSAGES,
    **API_MESSAGES,
    **CLOSE_MESSAGES,
    **CORRECTION_MESSAGES,
    **MOVE_MESSAGES,
    **OFFER_MESSAGES,
    **SYMBIOSIS_MESSAGES,
    **LIST_MESSAGES,
    **SCENARIO_MESSAGES,
    **SEAL_MESSAGES,
    **ALERT_MESSAGES,
    **JOB_MESSAGES,
    **GEO_MESSAGES,
    **UPLOAD_MESSAGES,
    **OFFICE_MESSAGES,
}
"""Code → (Chinese, English)."""

CHINESE_WORDS: Final[dict[str, dict[str, str]]] = {
    "what": {
        "region": "行政区",
        "park": "园区",
        "enterprise": "企业",
        "facility": "设施",
        "material": "物料",
        "route": "去向",
        "target": "目标",
        "filing": "备案",
        "coefficient": "系数",
    },
    "compartment": {"site": "厂区", "yard": "堆场", "transit": "在途"},
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
        "reversed": "已冲销",
    },
    "event": EVENT_WORDS,
    "move": MOVE_WORDS,
    "standing": STANDING_WORDS,
    "needed": {"use": "综合利用", "disposal": "处置", "storage": "贮存", "treatment": "处理"},
}
"""Parameter → English word → the word in a Chinese message."""

_STARTS: Final = "ledger_starts_"
_OPTIONAL: Final = re.compile(r"\[\[(.*?)\]\]", re.S)
_PARAMETER: Final = re.compile(r"(?<!\{)\{(\w+)\}")


class _Gaps(dict[str, object]):
    """Parameters of a message; one that is missing shows as `?`."""

    def __missing__(self, key: str) -> str:
        return "?"


def render(code: str, lang: str, params: Mapping[str, object]) -> str:
    """The wording of `code` in `lang` ("zh", otherwise English); unknown code → the code itself.

    Missing parameters show as `?`.  `ledger_starts_<month>` (2-domain 1.5) is `ledger_starts`.

    >>> render("no_data", "en", {})
    'there is no record for this scope and period'
    >>> render("bad_word", "en", {"value": "van", "known": Labelled([("road", "公路")])})
    '“van” is not one of the known words: road'
    >>> render("future_date", "zh", {"today": "2026-07-01"})[:20]
    '日期在未来（今天是 2026-07-01'
    """
    if code.startswith(_STARTS) and code not in MESSAGES:
        params = {**params, "month": code.removeprefix(_STARTS)}
        code = _STARTS.rstrip("_")
    pair = MESSAGES.get(code)
    if pair is None:
        return code
    given = _Gaps({key: value for key, value in params.items() if str(value)})
    if lang == "zh":
        for key, words in CHINESE_WORDS.items():
            if key in given:
                given[key] = words.get(str(given[key]), given[key])
    else:
        for key, value in given.items():
            given[key] = value.words if isinstance(value, Labelled) else value
    template = pair[0 if lang == "zh" else 1]
    if "[[" in template:
        template = _OPTIONAL.sub(lambda found: _if_given(found.group(1), given), template)
    return template.format_map(given)


def _if_given(segment: str, given: Mapping[str, object]) -> str:
    return segment if all(name in given for name in _PARAMETER.findall(segment)) else ""
