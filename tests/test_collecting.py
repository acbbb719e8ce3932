"""The collector is off inside, and on again afterwards whatever happens."""

from __future__ import annotations

import gc

import pytest

from wasteflow.core.collecting import no_collecting


def test_it_comes_back_as_it_was() -> None:
    assert gc.isenabled()
    with no_collecting():
        assert not gc.isenabled()
        with no_collecting():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), no_collecting():
        raise ZeroDivisionError
    assert gc.isenabled()
