"""Shapes of official codes: unified social credit code and solid waste code; no registry here."""

from __future__ import annotations

import re
from typing import Final

_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = tuple(pow(3, index, 31) for index in range(17))
_USCC_VALUE: Final = {char: value for value, char in enumerate(_USCC_ALPHABET)}

_WASTE_CODE: Final = re.compile(r"[0-9]{3}-0[0-9]{2}-S[0-9]{2}\Z")


def uscc_check_character(first17: str) -> str:
    """Check character of the first 17 characters of a unified social credit code.

    GB 32100-2015: C18 = (31 - sum(C_i * 3^(i-1) mod 31) mod 31) mod 31 over an alphabet of 31
    characters without I, O, S, V and Z.  Raises ValueError for another length or character.

    >>> uscc_check_character("91350100M000100Y4")
    '3'
    """
    if len(first17) != 17 or any(char not in _USCC_VALUE for char in first17):
        raise ValueError(first17)
    pairs = zip(first17, _USCC_WEIGHTS, strict=True)
    total = sum(_USCC_VALUE[char] * weight for char, weight in pairs)
    return _USCC_ALPHABET[-total % 31]


def uscc_valid(code: str) -> bool:
    """Whether `code` is a unified social credit code: 18 characters, upper case, check character.

    >>> uscc_valid("91350100M000100Y43"), uscc_valid("91350100M000100Y44"), uscc_valid("")
    (True, False, False)
    """
    if len(code) != 18 or any(char not in _USCC_VALUE for char in code):
        return False
    return uscc_check_character(code[:17]) == code[17]


def waste_code_valid(code: str) -> bool:
    """Whether `code` has the shape of a solid waste code (MEE notice 2024 no. 4): NNN-0NN-SNN.

    Shape only; membership is checked against rows marked verified.

    >>> waste_code_valid("312-001-S01"), waste_code_valid("312-101-S01"), waste_code_valid("SW01")
    (True, False, False)
    """
    return _WASTE_CODE.match(code) is not None
