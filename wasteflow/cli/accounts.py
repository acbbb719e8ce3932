"""Commands of accounts: user and token; passwords come by prompt or standard input only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from wasteflow.cli.common import Settings, now, open_database, table_text, told
from wasteflow.core.actors import Actor, Membership, Role
from wasteflow.core.errors import InvalidValue, NotFound
from wasteflow.core.periods import SHANGHAI

BY_COMMAND = "command"
ROLES = [role.value for role in Role if role is not Role.DELEGATE]


def _password(settings: Settings, from_stdin: bool) -> str:
    """The password: the first line of standard input, or typed twice without echo."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    words = ("密码", "再输一次") if settings.lang == "zh" else ("Password", "Once more")
    typed = click.prompt(words[0], hide_input=True, err=True)
    if click.prompt(words[1], hide_input=True, err=True) != typed:
        raise InvalidValue("passwords_differ")
    return str(typed)


_stdin = click.option(
    "--password-stdin",
    is_flag=True,
    help="从标准输入读密码 · Read the password from standard input.",
)


@click.group()
def user() -> None:
    """用户 · Users and their roles; the first user is made here."""


@user.command("create")
@click.argument("login")
@click.option("--name", default="", help="姓名 · Name shown to others.")
@click.option("--email", default="", help="邮箱 · Mail address.")
@click.option("--role", type=click.Choice(ROLES), help="首个角色 · First role.")
@click.option("--org", default="", help="单位代码 · Code of the organisation of the role.")
@click.option("--oidc-subject", default="", help="统一身份标识 · Identity at the OIDC provider.")
@click.option("--no-password", is_flag=True, help="只用统一身份登录 · Signs in by OIDC only.")
@_stdin
@click.pass_obj
@told
def user_create(
    settings: Settings,
    login: str,
    name: str,
    email: str,
    role: str | None,
    org: str,
    oidc_subject: str,
    no_password: bool,
    password_stdin: bool,
) -> None:
    """新建用户 · Create a user; the password is asked for and must be changed after signing in.

    Example: wasteflow user create li.ming --role enterprise_admin --org ent.tianan
    """
    from wasteflow.services.account_log import commander
    from wasteflow.services.users import NewUser, create_user

    database = open_database(settings)
    password = "" if no_password else _password(settings, password_stdin)
    create_user(
        db=database,
        user=NewUser(login, name, email, password, oidc_subject=oidc_subject),
        actor=commander(),
        now=now(),
        membership=Membership(Role(role), org) if role else None,
        address=BY_COMMAND,
    )
    settings.say(f"已建立用户 {login}。", f"User {login} created.")


@user.command("list")
@click.pass_obj
@told
def user_list(settings: Settings) -> None:
    """用户清单 · Every user with roles.

    Example: wasteflow user list
    """
    from wasteflow.services.account_log import commander
    from wasteflow.services.users import users_report

    moment = now()
    rows = users_report(db=open_database(settings), actor=commander(), now=moment)
    heads = ["登录名 · login", "姓名 · name", "状态 · active", "角色 · roles"]
    lines = [
        [
            row["login"],
            row["name"],
            "✓" if row["active"] else "–",
            ", ".join(_membership_text(item) for item in row["roles"]) or "–",
        ]
        for row in rows
    ]
    click.echo(table_text(heads, lines))


def _membership_text(item: Membership) -> str:
    return f"{item.role.value} {item.organisation}".strip()


@user.command("password")
@click.argument("login")
@_stdin
@click.pass_obj
@told
def user_password(settings: Settings, login: str, password_stdin: bool) -> None:
    """重设密码 · Set a new password; every sign-in of the user ends.

    Example: wasteflow user password li.ming
    """
    from wasteflow.services.account_log import commander
    from wasteflow.services.users import set_password

    database = open_database(settings)
    set_password(
        db=database,
        login=login,
        password=_password(settings, password_stdin),
        actor=commander(),
        now=now(),
        address=BY_COMMAND,
    )
    settings.say(f"已重设 {login} 的密码。", f"Password of {login} set.")


@user.command("deactivate")
@click.argument("login")
@click.option("--undo", is_flag=True, help="恢复 · Activate again.")
@click.pass_obj
@told
def user_deactivate(settings: Settings, login: str, undo: bool) -> None:
    """停用用户 · Deactivate a user: sign-ins and tokens end at once.

    Example: wasteflow user deactivate li.ming
    """
    from wasteflow.services.account_log import commander
    from wasteflow.services.users import set_active

    database = open_database(settings)
    set_active(
        db=database, login=login, active=undo, actor=commander(), now=now(), address=BY_COMMAND
    )
    if undo:
        settings.say(f"已恢复 {login}。", f"{login} activated.")
    else:
        settings.say(f"已停用 {login}。", f"{login} deactivated.")


def _change_role(
    settings: Settings, change: Callable[..., object], login: str, role: str, organisation: str
) -> None:
    """Give or take a role as whoever sits at the server."""
    from wasteflow.services.account_log import commander

    change(
        db=open_database(settings),
        login=login,
        membership=Membership(Role(role), organisation),
        actor=commander(),
        now=now(),
        address=BY_COMMAND,
    )


@user.command("grant")
@click.argument("login")
@click.argument("role", type=click.Choice(ROLES))
@click.argument("organisation", default="")
@click.pass_obj
@told
def user_grant(settings: Settings, login: str, role: str, organisation: str) -> None:
    """授予角色 · Give a role in an organisation (code of enterprise, park or region).

    Example: wasteflow user grant li.ming operator ent.tianan
    """
    from wasteflow.services.memberships import grant_membership

    _change_role(settings, grant_membership, login, role, organisation)
    settings.say(
        f"已授予 {login}：{role} {organisation}", f"Granted {login}: {role} {organisation}"
    )


@user.command("revoke")
@click.argument("login")
@click.argument("role", type=click.Choice(ROLES))
@click.argument("organisation", default="")
@click.pass_obj
@told
def user_revoke(settings: Settings, login: str, role: str, organisation: str) -> None:
    """撤销角色 · Take a role back.

    Example: wasteflow user revoke li.ming operator ent.tianan
    """
    from wasteflow.services.memberships import revoke_membership

    _change_role(settings, revoke_membership, login, role, organisation)
    settings.say(
        f"已撤销 {login}：{role} {organisation}", f"Revoked {login}: {role} {organisation}"
    )


@click.group()
def token() -> None:
    """接口令牌 · Tokens for programs that use the API."""


def _actor(database: Any, login: str, moment: datetime) -> Actor:
    from wasteflow.services.acting import actor_of_login

    actor = actor_of_login(db=database, login=login, now=moment)
    if actor is None:
        raise NotFound("user_unknown", value=login)
    return actor


@token.command("create")
@click.option("--user", "login", required=True, help="用户登录名 · Login of its user.")
@click.option("--name", default="", help="用途 · What it is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="read、write、权限名或 all · read, write, a right or all; several times. [read write]",
)
@click.option(
    "--days", type=click.IntRange(1), default=90, show_default=True, help="有效天数 · Days."
)
@click.pass_obj
@told
def token_create(
    settings: Settings, login: str, name: str, scopes: tuple[str, ...], days: int
) -> None:
    """生成令牌 · Make a token; it is printed once and stored nowhere.

    Example: wasteflow token create --user li.ming --scope read --days 30
    """
    from wasteflow.services.tokens import SCOPES, create_token

    database, moment = open_database(settings), now()
    made = create_token(
        db=database,
        actor=_actor(database, login, moment),
        name=name,
        now=moment,
        scopes=() if "all" in scopes else scopes or SCOPES,
        days=days,
        address=BY_COMMAND,
    )
    until = made.expires_at.astimezone(SHANGHAI).date()
    settings.say(
        f"令牌 {made.id}，有效至 {until}。只显示这一次：",
        f"Token {made.id}, valid until {until}. Shown this once:",
        err=True,
    )
    click.echo(made.secret)


@token.command("list")
@click.option("--user", "login", required=True, help="用户登录名 · Login of its user.")
@click.pass_obj
@told
def token_list(settings: Settings, login: str) -> None:
    """令牌清单 · Tokens of a user.

    Example: wasteflow token list --user li.ming
    """
    from wasteflow.services.account_log import commander
    from wasteflow.services.tokens import tokens_report

    rows = tokens_report(db=open_database(settings), login=login, actor=commander())
    heads = [
        "编号 · id",
        "开头 · prefix",
        "用途 · name",
        "范围 · scopes",
        "到期 · expires",
        "撤销 · revoked",
    ]
    lines = [
        [
            str(row["id"]),
            row["prefix"],
            row["name"] or "–",
            ", ".join(row["scopes"]) or "all",
            str(row["expires_at"].astimezone(SHANGHAI).date()),
            str(row["revoked_at"].astimezone(SHANGHAI).date()) if row["revoked_at"] else "–",
        ]
        for row in rows
    ]
    click.echo(table_text(heads, lines))


@token.command("revoke")
@click.argument("token_id", type=int)
@click.pass_obj
@told
def token_revoke(settings: Settings, token_id: int) -> None:
    """撤销令牌 · Revoke a token by its number in `token list`.

    Example: wasteflow token revoke 3
    """
    from wasteflow.services.account_log import commander
    from wasteflow.services.tokens import revoke_token

    database = open_database(settings)
    revoke_token(db=database, token_id=token_id, actor=commander(), now=now(), address=BY_COMMAND)
    settings.say(f"已撤销令牌 {token_id}。", f"Token {token_id} revoked.")
