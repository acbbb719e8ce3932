"""Wording of codes about accounts and rights; see `messages`."""

from __future__ import annotations

from typing import Final

ACCESS_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "password_first": (
        "当前密码由他人设置。请先在 /account 改成自己的密码，再继续。",
        "somebody else chose your password; set your own at /account first",
    ),
    "not_signed_in": (
        "请先登录。接口请在 Authorization 头中带上令牌。",
        "sign in first; the API takes a token in the Authorization header",
    ),
    "token_not_valid": (
        "令牌无效：已过期、已作废，或抄写有误。请核对，或新建一个（wasteflow token create）。",
        "the token is not valid: it has expired, was revoked or is not written as it was given; "
        "check it, or make a new one (wasteflow token create)",
    ),
    "not_ones_business": (
        "没有这条记录，或它不属于您的单位。请核对编号，或向园区申请权限。",
        "there is no such record, or it is not your organisation's business; check the number or "
        "ask the park for access",
    ),
    "not_ones_right": (
        "您的角色不能做这一步[[（{right}）]]。请由有权限的同事办理，或请管理员调整角色。",
        "your role may not do this[[ ({right})]]; ask a colleague who may, or have an "
        "administrator change your role",
    ),
    "login_bad": (
        "登录名“{value}”不可用：2–80 个字符，限小写字母、数字和 . _ @ + -，以字母或数字开头。",
        "“{value}” cannot be a login: 2 to 80 characters out of lower-case letters, digits and "
        ". _ @ + -, starting with a letter or digit",
    ),
    "login_taken": (
        "登录名“{value}”已被使用。请换一个，或给该用户授予角色。",
        "the login “{value}” is taken; choose another one, or grant that user a role",
    ),
    "user_unknown": (
        "没有用户“{value}”。请核对登录名。",
        "there is no user “{value}”; check the login",
    ),
    "user_inactive": (
        "用户“{value}”已停用。请先恢复该用户。",
        "the user “{value}” is deactivated; activate the user first",
    ),
    "password_short": (
        "密码太短，至少 {least} 个字符；几个不相干的词连起来既长又好记。",
        "the password is too short: at least {least} characters; a few unrelated words are long "
        "and easy to keep in mind",
    ),
    "password_long": (
        "密码太长，至多 {most} 个字符。",
        "the password is too long: at most {most} characters",
    ),
    "password_common": (
        "这个密码属于最先被猜到的一类。请换几个不相干的词，不要用键盘顺序、重复或常见词加数字。",
        "this password is among the first ones that are guessed; take a few unrelated words, no "
        "row of keys, repetition or common word with digits",
    ),
    "password_login": (
        "密码里不要包含登录名。",
        "leave the login out of the password",
    ),
    "password_wrong": (
        "当前密码不对，未作修改。",
        "the current password is not right; nothing was changed",
    ),
    "passwords_differ": (
        "两次输入的新密码不同，未作修改。",
        "the new password was typed in two ways; nothing was changed",
    ),
    "sign_in_failed": (
        "登录名或密码不对。请核对后重试；忘记密码请找管理员重设。",
        "login or password is wrong; check both and try again, or have an administrator set a "
        "new password",
    ),
    "sign_in_locked": (
        "失败次数过多，请在 {seconds} 秒后重试。",
        "too many failures; try again in {seconds} seconds",
    ),
    "role_unknown": (
        "没有角色“{value}”。可用：{known}。",
        "there is no role “{value}”; known are {known}",
    ),
    "role_needs_organisation": (
        "角色“{role}”须指明单位（企业或园区代码，或承运人名称）。",
        "the role “{role}” needs an organisation: the code of an enterprise or park, or the name "
        "of a carrier",
    ),
    "role_without_organisation": (
        "系统管理员不属于某个单位，请不要填写单位。",
        "a system admin belongs to no organisation: leave it out",
    ),
    "role_by_delegation": (
        "受托人由企业管理员以委托授予，不能直接授予角色。",
        "a delegate is made by a delegation of the enterprise's admin, not by granting a role",
    ),
    "membership_there": (
        "“{login}”在“{organisation}”已有这个角色。",
        "“{login}” has this role in “{organisation}” already",
    ),
    "membership_unknown": (
        "“{login}”在“{organisation}”没有这个角色。",
        "“{login}” does not have this role in “{organisation}”",
    ),
    "last_system_admin": (
        "这是最后一位可用的系统管理员，不能移除。请先授予另一位用户系统管理员角色。",
        "this is the last system admin who can sign in; make another user system admin first",
    ),
    "delegation_holder": (
        "委托须授予一位用户或一家企业，二者选一，且不能是委托方自己。",
        "a delegation goes to one user or one enterprise, not both, and not to its grantor",
    ),
    "delegation_families": (
        "委托范围只能是 entry（台账记录）、shipment（运单），至少一项。",
        "a delegation takes in entry, shipment or both",
    ),
    "delegation_dates": (
        "委托的结束日期须在开始日期当天或之后，且不早于今天，最长 {days} 天。",
        "a delegation ends on or after the day it starts, not before today, and lasts at most "
        "{days} days",
    ),
    "delegation_unknown": (
        "没有这项有效的委托。它可能已到期或已撤销。",
        "there is no such delegation in force; it may have ended or been revoked",
    ),
    "token_unknown": (
        "没有这个有效的令牌。它可能已撤销。",
        "there is no such token; it may have been revoked",
    ),
    "token_days": (
        "令牌有效期须为 1–{most} 天。",
        "a token is valid for 1 to {most} days",
    ),
    "token_scope": (
        "没有权限“{value}”。可用 read、write 或权限表中的名称。",
        "there is no right “{value}”; take read, write or a name of the permission table",
    ),
    "no_users": (
        "还没有任何用户。请在服务器上执行：wasteflow user create 登录名 --role system_admin",
        "there is no user yet; on the server run: wasteflow user create LOGIN --role system_admin",
    ),
    "form_expired": (
        "表单已过期或不是从本站提交的，未作修改。请刷新页面再试。",
        "the form ran out or was not sent from this site; nothing was changed. Load the page anew",
    ),
    "oidc_failed": (
        "统一身份登录没有成功（{reason}）。请重试，或用密码登录。",
        "signing in with the identity provider failed ({reason}); try again, or use a password",
    ),
    "oidc_over": (
        "这次统一身份登录已经结束：回调已被用过、放置太久，或是在另一个浏览器里开始的。请从本页重新登录。",
        "this sign-in is over: its answer was used already, waited too long, or was begun in "
        "another browser; start again from this page",
    ),
    "oidc_declined": (
        "统一身份一方没有放行（您在那里取消了，或没有登录）。请从本页重新登录，或用密码登录。",
        "the identity provider let nobody in (you turned back there, or did not sign in); start "
        "again from this page, or use a password",
    ),
    "oidc_no_user": (
        "身份“{value}”没有对应的用户。请管理员新建用户并登记该身份。",
        "no user belongs to the identity “{value}”; have an administrator create one for it",
    ),
}
