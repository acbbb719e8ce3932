"""What a finding tells somebody who may not see every firm it speaks of; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def masked(
    params: Mapping[str, str], sees: Callable[[str], bool], other: str = "***"
) -> dict[str, str]:
    """The parameters of a finding without the names and sums of firms that are not `sees`.

    A member of a loop that may not be seen stands as `other`.  A sum over senders that may not all
    be seen is only said to be above its quota, which the finding says anyway.

    >>> masked({"firms": "a, b, c", "tonnes": "5.000"}, "b".__ne__)
    {'firms': 'a, ***, c', 'tonnes': '5.000'}
    >>> masked({"senders": "a, b", "tonnes": "9.000", "quota": "5.000"}, "b".__ne__)
    {'tonnes': '> 5.000', 'quota': '5.000'}
    >>> masked({"senders": "a", "tonnes": "9.000", "quota": "5.000"}, "b".__ne__)
    {'tonnes': '9.000', 'quota': '5.000'}
    """
    told = dict(params)
    if "firms" in told:
        members = told["firms"].split(", ")
        told["firms"] = ", ".join(code if sees(code) else other for code in members)
    senders = told.pop("senders", "")
    if senders and not all(sees(code) for code in senders.split(", ")):
        told["tonnes"] = f"> {told['quota']}"
    return told
