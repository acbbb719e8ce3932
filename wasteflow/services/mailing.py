"""The daily digest of reminders by mail: one per user and day, noted so that it is sent once."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Sequence
from datetime import date, datetime
from email.message import EmailMessage
from typing import Final

from msgspec import Struct
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from wasteflow.core.messages import render
from wasteflow.core.periods import shanghai_day
from wasteflow.services.acting import actor_of_login
from wasteflow.services.reminders import AHEAD_DAYS, Reminder, by_kind, reminders
from wasteflow_models.accounts import AccountRow
from wasteflow_models.api import ReminderMailRow
from wasteflow_models.engine import Alone, Database

SHOWN: Final = 20
TIMEOUT_S: Final = 30
GIVE_UP: Final = 3
"""Failures in a row after which a round ends: the server is down, and each would wait for it."""
_ROW: Final = ReminderMailRow


class MailServer(Struct, frozen=True):
    """How mail leaves: host, port, tls (starttls, tls, none), account, sender."""

    host: str
    port: int
    tls: str
    user: str
    password: str
    sender: str


class Mailed(Struct):
    """What a round did: digests sent, users with nothing to do, failures by login, and how many
    users it did not come to.
    """

    sent: int = 0
    nothing: int = 0
    failed: list[str] | None = None
    left: int = 0


Send = Callable[[EmailMessage], None]


def digest(items: Sequence[Reminder], *, lang: str, name: str, site: str) -> tuple[str, str]:
    """(subject, text) of a digest in `lang`."""
    lines = [render("mail_greeting", lang, {"name": name}), ""]
    for kind, found in by_kind(items).items():
        lines.append(render(f"mail_{kind}", lang, {"count": len(found)}))
        for item in found[:SHOWN]:
            lines.append("  - " + _line(item, lang, site))
        if len(found) > SHOWN:
            lines.append("  - " + render("mail_more", lang, {"count": len(found) - SHOWN}))
        lines.append("")
    lines.append(render("mail_end", lang, {"site": site}))
    return render("mail_subject", lang, {"count": len(items)}), "\n".join(lines)


def _line(item: Reminder, lang: str, site: str) -> str:
    if item.due is not None:
        params = {"title": item.title, "organisation": item.organisation, "due": item.due}
        return render("mail_line_due", lang, params)
    params = {
        "title": item.title or item.ref,
        "organisation": item.organisation,
        "move": item.move,
        "since": (item.since or "")[:10],
        "link": f"{site}/shipments/{item.ref}" if site else "",
    }
    return render("mail_line_load", lang, params)


def mail_digests(
    *,
    db: Database,
    now: datetime,
    send: Send,
    sender: str,
    site: str = "",
    lang: str = "zh",
    ahead_days: int = AHEAD_DAYS,
) -> Mailed:
    """Mail every active user with an address what waits, at most once a day (Asia/Shanghai).

    The day is noted before the mail leaves and taken back if it could not: a user may miss one when
    the process dies in between, and never gets two.  Ends after `GIVE_UP` failures in a row.
    """
    done, failed = Mailed(), []
    day, in_a_row = shanghai_day(now), 0
    people = _people(db)
    for place, (account_id, login, name, email, own) in enumerate(people):
        if in_a_row == GIVE_UP:
            done.left = len(people) - place
            break
        actor = actor_of_login(db=db, login=login, now=now)
        if actor is None:
            continue
        items = reminders(db=db, actor=actor, now=now, ahead_days=ahead_days)
        if not items:
            done.nothing += 1
            continue
        if not _claim(db, account_id, day, len(items), now):
            continue
        message = EmailMessage()
        message["From"], message["To"] = sender, email
        message["Subject"], text = digest(items, lang=own or lang, name=name, site=site)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text, cte="base64")  # any server carries it
        try:
            send(message)
            done.sent += 1
            in_a_row = 0
        except (OSError, smtplib.SMTPException) as error:
            _give_back(db, account_id, day)
            failed.append(f"{login}: {error}")
            in_a_row += 1
    done.failed = failed
    return done


def _people(db: Database) -> list[tuple[int, str, str, str, str]]:
    with db.read() as session:
        row = AccountRow
        query = select(row.id, row.login, row.name, row.email, row.lang)
        query = query.where(row.active, row.email != "").order_by(row.login)
        return [(a, b, c, d, e) for a, b, c, d, e in session.execute(query)]


def _claim(db: Database, account_id: int, day: date, items: int, now: datetime) -> bool:
    """Note the digest of a day; False if it is noted already."""
    try:
        with db.write(Alone.NOBODY) as session:
            session.execute(
                insert(_ROW).values(account_id=account_id, day=day, items=items, sent_at=now)
            )
    except IntegrityError:
        return False
    return True


def _give_back(db: Database, account_id: int, day: date) -> None:
    with db.write(Alone.NOBODY) as session:
        session.execute(delete(_ROW).where(_ROW.account_id == account_id, _ROW.day == day))


def sender_by(server: MailServer) -> Send:
    """How to send one message by a mail server; raises OSError, SMTPException."""

    def send(message: EmailMessage) -> None:
        secure = ssl.create_default_context()
        if server.tls == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=TIMEOUT_S, context=secure
            )
        else:
            client = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        with client:
            if server.tls == "starttls":
                client.starttls(context=secure)
            if server.user:
                client.login(server.user, server.password)
            client.send_message(message)

    return send
