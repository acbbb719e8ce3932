"""A use case that lost a race against another writer is done again, the books being as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from wasteflow.core.errors import WasteflowError
from wasteflow_models.engine import is_conflict

TRIES = 5
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Overtaken(WasteflowError):
    """What a use case had relied on was changed by another writer before it could commit."""

    def __init__(self) -> None:
        super().__init__("import_overtaken")


def again_if_overtaken(use_case: Callable[_P, _T]) -> Callable[_P, _T]:
    """Repeat a use case (one transaction, rolled back when it raises) that another one overtook.

    Overtaken means: a unique key was taken meanwhile, PostgreSQL broke a deadlock, or it raised
    `Overtaken`.  At most `TRIES` times; then the error goes on.
    """

    @wraps(use_case)
    def repeated(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        for _ in range(TRIES - 1):
            try:
                return use_case(*args, **kwargs)
            except Overtaken:
                continue
            except DBAPIError as error:
                if not is_conflict(error):
                    raise
        return use_case(*args, **kwargs)

    return repeated
