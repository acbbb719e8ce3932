"""Wording of codes of the HTTP interface; see `messages`."""

from __future__ import annotations

from typing import Final

API_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "bad_json_body": (
        "请求体不是正确的 JSON（{why}）。请按接口说明发送一个 JSON 对象，编码为 UTF-8。",
        "the body is not valid JSON ({why}); send one JSON object in UTF-8 as documented",
    ),
    "bad_json_key_twice": (
        "请求体中“{value}”写了两次，不知以哪一个为准。请只写一次。",
        "the body names “{value}” twice, so it is unclear which one counts; write it once",
    ),
    "object_needed": (
        "此处应为一个 JSON 对象（{{…}}）。",
        "a JSON object ({{…}}) belongs here",
    ),
    "not_a_list": (
        "此处应为一个 JSON 列表（[…]）。",
        "a JSON list ([…]) belongs here",
    ),
    "media_type": (
        "请求体的类型是“{value}”，此处只接受 {known}。请改正 Content-Type 头。",
        "the body is of type “{value}”, but {known} is taken here; correct the Content-Type header",
    ),
    "unknown_parameter": (
        "没有名为“{value}”的字段或参数。可用：{known}。",
        "there is no field or parameter “{value}”; known ones: {known}",
    ),
    "parameter_twice": (
        "参数“{value}”给了两次。请只给一次；多个值以逗号分隔写在一起（若允许）。",
        "the parameter “{value}” is given twice; give it once, several values in one where that "
        "is allowed",
    ),
    "bad_shape": (
        "“{value}”不符合此处的写法（{pattern}）。请按接口说明的样式书写。",
        "“{value}” is not written as it must be here ({pattern}); write it as documented",
    ),
    "bad_limit": (
        "每页条数应为 1 到 {limit} 的整数。",
        "the number of objects per page is a whole number from 1 to {limit}",
    ),
    "code_exists": (
        "代码“{value}”已经登记。要修改请用 PATCH 并带上 If-Match；要新建请换一个代码。",
        "the code “{value}” is registered already; to change it use PATCH with If-Match, to make "
        "a new object choose another code",
    ),
    "nothing_given": (
        "没有给出要修改的内容。请至少给出一个字段。",
        "nothing to change is given; name at least one field",
    ),
    "record_unknown": (
        "没有编号为 {value} 的记录，或它不属于您的单位。",
        "there is no record {value}, or it is not your organisation's business",
    ),
    "level_wider": (
        "层级“{level}”比范围“{scope}”更宽，会带出别家的数据。请把 level 改为 {known}，或放宽范围。",
        "the level “{level}” is wider than the scope “{scope}” and would show others' data; use "
        "level {known}, or a wider scope",
    ),
    "if_match_missing": (
        "修改前必须说明依据的是哪个版本：请先读取该对象，把 ETag 原样放入 If-Match 头。",
        "a change must say which version it rests on: read the object first and send its ETag "
        "in the If-Match header",
    ),
    "version_stale": (
        "该对象在您读取之后已被改动[[（现在是 {found}）]]。请重新读取，核对后再改。",
        "the object was changed since you read it[[ (it is now {found})]]; read it again, check "
        "and send your change anew",
    ),
    "key_bad": (
        "Idempotency-Key 应为 1 到 {limit} 个可打印的 ASCII 字符。",
        "an Idempotency-Key is 1 to {limit} printable ASCII characters",
    ),
    "key_reused": (
        "这个 Idempotency-Key 已用于另一个请求。重试须与原请求完全相同；新的请求请用新的键。",
        "this Idempotency-Key was used for another request; a retry must equal the first one, a "
        "new request needs a new key",
    ),
    "key_in_use": (
        "使用这个 Idempotency-Key 的请求还在处理。请稍后用同一个键重试。",
        "the request with this Idempotency-Key is still being worked on; retry with the same key "
        "in a moment",
    ),
    "external_id_taken": (
        "外部编号“{value}”已属于本单位的记录 {id}。请读取该记录，或换一个编号。",
        "the external id “{value}” belongs to record {id} of this organisation already; read that "
        "record or choose another id",
    ),
    "too_many_objects": (
        "一次最多 {limit} 个对象，这里有 {count} 个。请分批发送。",
        "at most {limit} objects at once, here are {count}; send them in parts",
    ),
    "body_too_large": (
        "请求体超过上限[[ {limit} MB]]。请分批发送。",
        "the body is larger than allowed[[ ({limit} MB)]]; send it in parts",
    ),
    "rate_limited": (
        "请求过于频繁。请等 {seconds} 秒再试。",
        "too many requests; try again in {seconds} seconds",
    ),
    "method_not_allowed": (
        "此地址不支持 {value} 方法。可用：{known}。",
        "this address does not take {value}; it takes {known}",
    ),
    "no_such_address": (
        "接口没有这个地址。全部地址见 /api/docs。",
        "the interface has no such address; /api/docs lists all of them",
    ),
    "books_unavailable": (
        "账本暂时不能提供服务（{state}）。请稍后再试。",
        "the books cannot be served now ({state}); try again in a moment",
    ),
    "bad_request": (
        "请求无法理解。请对照接口说明检查。",
        "the request cannot be understood; check it against the documentation",
    ),
    "form_token_missing": (
        "这个请求靠浏览器的登录（cookie）发来，却没有本站页面的表单令牌，可能是别的网站发起的，因此未作任何修改。"
        "程序请改用令牌登录：Authorization: Bearer …（在 /account 页面或用 "
        "wasteflow token create 生成）；本站页面请把表单的 csrf_token 放进 X-CSRFToken 头。",
        "the request came with the sign-in of a browser (a cookie) but without the form token of a "
        "page of this site; another site may have sent it, so nothing was changed. A program signs "
        "in with Authorization: Bearer … instead (made on the page /account or by wasteflow token "
        "create); a page of this site sends the csrf_token of its form in the header X-CSRFToken",
    ),
    "form_token_wrong": (
        "表单令牌不是本次登录的，或与来源页面（Referer）对不上，因此未作任何修改。请重新打开页面，"
        "用新的 csrf_token 再发一次；程序请改用 Authorization: Bearer … 令牌登录。",
        "the form token is not that of this sign-in, or does not fit the page it came from "
        "(Referer), so nothing was changed; load the page anew and send its csrf_token again. A "
        "program signs in with Authorization: Bearer … instead",
    ),
    "server_error": (
        "程序出错，您的数据未被改动。请把请求编号 {request} 告诉管理员。",
        "the program failed and changed nothing; tell the administrator the request id {request}",
    ),
    "invalid": (
        "有 {count} 处不符合要求，见 errors。没有保存任何内容。",
        "{count} values are not as they must be, see errors; nothing was saved",
    ),
    "attachment_empty": (
        "文件是空的。请选择要上传的磅单或凭据。",
        "the file is empty; choose the weigh ticket or document to upload",
    ),
    "attachment_too_large": (
        "文件超过 {limit} MB。请缩小或分成几份。",
        "the file is larger than {limit} MB; make it smaller or split it",
    ),
    "attachment_type": (
        "不接受“{value}”类型的文件。可用：{known}。",
        "files of type “{value}” are not taken; these are: {known}",
    ),
    "attachment_not_its_type": (
        "文件内容不是“{value}”。请按真实类型上传，或重新导出。",
        "the content of the file is not “{value}”; upload it with its real type or export it again",
    ),
    "attachment_file_missing": (
        "没有收到文件。请用 multipart/form-data 的 file 部分上传。",
        "no file came; send it as the part “file” of multipart/form-data",
    ),
    "attachment_gone": (
        "附件 {value} 的文件不在或已损坏。请从备份恢复实例文件夹中的 attachments。",
        "the file of attachment {value} is missing or damaged; restore the folder attachments of "
        "the instance from a backup",
    ),
    "attachment_record": (
        "请用 shipment 或 entry 指明附件所属的一条记录，二者只写一个。",
        "name the one record the document belongs to as shipment or entry, not both",
    ),
    "webhook_url": (
        "“{value}”不能用作回调地址。应为公网的 https 地址，不带用户名和片段。",
        "“{value}” cannot be used as the address of a webhook; it must be a public https address "
        "without user name or fragment",
    ),
    "webhook_private": (
        "“{value}”是内网、本机或链路本地地址，不会被调用。请用公网地址，"
        "或由管理员设 WASTEFLOW_WEBHOOK_PRIVATE=1。",
        "“{value}” is an address inside (private, loopback or link-local) and is never called; use "
        "a public one, or have the administrator set WASTEFLOW_WEBHOOK_PRIVATE=1",
    ),
    "webhook_too_many": (
        "一个范围最多 {limit} 个回调。请先删除不用的。",
        "a scope has at most {limit} webhooks; remove one that is not used first",
    ),
    "mail_subject": (
        "wasteflow：{count} 件事项待办",
        "wasteflow: {count} things to do",
    ),
    "mail_greeting": (
        "{name}，您好：以下事项待您处理。",
        "Dear {name}, these things wait for you.",
    ),
    "mail_answer": (
        "待答复的运单（{count}）：",
        "loads that wait for an answer ({count}):",
    ),
    "mail_revision": (
        "待同意的更正（{count}）：",
        "corrections to approve ({count}):",
    ),
    "mail_filing": (
        "即将到期的跨省备案（{count}）：",
        "cross-province filings about to end ({count}):",
    ),
    "mail_permit": (
        "即将到期的设施许可（{count}）：",
        "permits of facilities about to end ({count}):",
    ),
    "mail_line_load": (
        "{title}，{organisation} 应办 {move}，自 {since} 起等待[[：{link}]]",
        "{title}: {organisation} should {move}, waiting since {since}[[: {link}]]",
    ),
    "mail_line_due": (
        "{title}[[（{organisation}）]]的有效期到 {due} 为止",
        "{title}[[ ({organisation})]] ends on {due}",
    ),
    "mail_more": (
        "另外还有 {count} 件",
        "and {count} more",
    ),
    "mail_end": (
        "每天最多发送一次[[。站点：{site}]]。",
        "sent at most once a day[[; the site: {site}]]",
    ),
    "smtp_missing": (
        "没有配置邮件服务器，未发送提醒。请设 WASTEFLOW_SMTP_HOST 和 WASTEFLOW_SMTP_FROM。",
        "no mail server is configured, so no reminder was sent; set WASTEFLOW_SMTP_HOST and "
        "WASTEFLOW_SMTP_FROM",
    ),
}
