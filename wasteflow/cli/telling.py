"""Commands that tell others: webhooks deliver, remind."""

from __future__ import annotations

import click

from wasteflow.cli.common import EXIT_REFUSED, Settings, now, open_database, told
from wasteflow.core.errors import WasteflowError


@click.group()
def webhooks() -> None:
    """回调 · Webhooks: calls that tell other software of changes."""


@webhooks.command("deliver")
@click.pass_obj
@told
def deliver(settings: Settings) -> None:
    """投递 · Tell every webhook that is due, once; a running server does it by itself.

    Example: wasteflow webhooks deliver
    """
    from wasteflow.config import load_config
    from wasteflow.services.housekeeping import Housekeeping

    config = load_config().api
    database = open_database(settings)
    done = Housekeeping(
        database,
        now,
        private=config.webhook_private,
        answer_days=config.idempotency_days,
        finding_days=config.finding_days,
    ).round()
    if done is None:
        settings.say("另一个进程正在投递。", "Another process is delivering now.")
        return
    settings.say(
        f"已告知 {done.told} 条变更，失败 {done.failed} 次，停用 {done.switched_off} 个回调。",
        f"Told {done.told} changes, failed {done.failed} times, switched off {done.switched_off}.",
    )


@click.command()
@click.option("--days", type=click.IntRange(0, 366), default=30, show_default=True,
              help="备案与许可提前天数 · Days ahead for filings and permits.")  # fmt: skip
@click.pass_obj
@told
def remind(settings: Settings, days: int) -> None:
    """提醒 · Mail every user what waits for them, at most once a day; a running server does it too.

    Example: wasteflow remind --days 14
    """
    from wasteflow.config import load_config
    from wasteflow.services.mailing import MailServer, mail_digests, sender_by

    config = load_config()
    smtp = config.api.smtp
    if not smtp.usable:
        raise WasteflowError("smtp_missing")
    server = MailServer(smtp.host, smtp.port, smtp.tls, smtp.user, smtp.password, smtp.sender)
    done = mail_digests(
        db=open_database(settings),
        now=now(),
        send=sender_by(server),
        sender=smtp.sender,
        site=config.api.url,
        lang=settings.lang,
        ahead_days=days,
    )
    settings.say(
        f"已发送 {done.sent} 封，{done.nothing} 人无待办。",
        f"Sent {done.sent} mails; nothing waits for {done.nothing} users.",
    )
    for line in done.failed or []:
        click.echo(line, err=True)
    if done.left:
        settings.say(
            f"邮件服务器连续失败，还有 {done.left} 人未处理；请稍后再运行。",
            f"The mail server fails; {done.left} users are left. Run it again later.",
            err=True,
        )
    if done.failed:
        raise SystemExit(EXIT_REFUSED)
