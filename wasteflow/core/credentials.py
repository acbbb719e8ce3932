"""Rules for logins, passwords and repeated failures; pure: nothing is hashed or stored here.

Length counts more than mixture (NIST SP 800-63B, 5.1.1.2): ten characters, and none of what
guessing programs try first.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from wasteflow.core.errors import InvalidValue

MIN_LENGTH, MAX_LENGTH = 10, 200
FREE_FAILURES: Final = {"user": 5, "address": 20}
"""Failures in a row before anybody must wait; an office shares one address."""
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
FORGET_AFTER: Final = timedelta(days=1)
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,79}\Z")
_WORDS: Final = """
    abc abcd admin administrator aini asdf asdfgh asdfghjkl changeme company default dragon
    football guest hello helloworld iloveyou letmein login manager master mima monday monkey
    onetwothree operator pass passw password princess qazwsx qazwsxedc qweasd qweasdzxc qwer
    qwert qwerty qwertyuiop root secret sunshine superman system temp temporary test trustno
    user wasteflow welcome woaini woainima zhongguo zxcvbn zxcvbnm
"""
_COMMON: Final = frozenset(_WORDS.split())
_ROWS: Final = ("01234567890", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_LEET: Final = str.maketrans("013457@$!", "oieastasi")


def clean_login(login: str) -> str:
    """The login as stored: lower case; InvalidValue `login_bad`.

    >>> clean_login(" Li.Ming ")
    'li.ming'
    """
    found = login.strip().lower()
    if not _LOGIN.match(found):
        raise InvalidValue("login_bad", value=login[:80])
    return found


def check_password(password: str, login: str = "") -> None:
    """InvalidValue `password_short`, `password_long`, `password_login` or `password_common`.

    >>> check_password("three slow red buses", "li")
    >>> check_password("Password1234")
    Traceback (most recent call last):
    ...
    wasteflow.core.errors.InvalidValue: this password is among the first ones that are guessed; ...
    """
    if len(password) < MIN_LENGTH:
        raise InvalidValue("password_short", least=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        raise InvalidValue("password_long", most=MAX_LENGTH)
    folded = password.lower()
    if len(login) >= 4 and login in folded:
        raise InvalidValue("password_login")
    if _easy(folded):
        raise InvalidValue("password_common")


def _easy(folded: str) -> bool:
    """Few characters, a repeated piece, a row of keys, or a common word with digits around it."""
    if len(set(folded)) < 5:
        return True
    if any(_only_runs(folded, piece) for piece in range(1, 6)):
        return True
    letters = re.sub(r"[\W\d_]+", "", folded)
    leet = re.sub(r"[\W\d_]+", "", re.sub(r"[\d\W_]+\Z", "", folded).translate(_LEET))
    words = {letters, leet} - {""}
    return bool(words & _COMMON) or _rows(folded)


def _only_runs(text: str, size: int) -> bool:
    """Whether the text is one piece of `size` characters again and again."""
    return (text[:size] * len(text))[: len(text)] == text


def _rows(text: str) -> bool:
    """Whether the whole text runs along rows of keys or digits, forwards or backwards."""
    if not text:
        return False
    steps = [
        any(text[i : i + 2] in row or text[i : i + 2] in row[::-1] for row in _ROWS)
        for i in range(len(text) - 1)
    ]
    return sum(steps) >= 0.7 * len(steps) if steps else False


def wait_after(kind: str, failures: int) -> timedelta:
    """How long nobody may try again after so many failures in a row ("user" or "address").

    >>> [wait_after("user", number).seconds for number in (4, 5, 6, 7, 30)]
    [0, 30, 60, 120, 900]
    """
    over = failures - FREE_FAILURES[kind]
    if over < 0:
        return timedelta()
    doubled: int = 2 ** min(over, 16)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)
