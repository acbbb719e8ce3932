"""Wording of codes about background work and uploaded files; see `messages`."""

from __future__ import annotations

from typing import Final

JOB_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "findings_being_made": (
        "提示清单正在首次生成，大账约需半分钟到几分钟。请稍后再看。",
        "the list of findings is being made for the first time, which takes half a minute to some "
        "minutes of large books; look again then",
    ),
    "job_broke": (
        "后台任务出错中断，账目未受影响（{why}）。"
        "请重试；若再次出错，请将任务号 {job} 告诉管理员。",
        "the background job broke off, the books are untouched ({why}); try again, and if it "
        "happens again give the administrator the job number {job}",
    ),
    "job_gave_up": (
        "任务已重新开始 {count} 次都没有做完，已停止，账目未受影响。"
        "请查看服务器内存与日志后重新上传。",
        "the job was started {count} times without coming to an end and was stopped; the books are "
        "untouched: look at memory and log of the server, then upload again",
    ),
    "job_cancelled": (
        "任务已取消，账目未受影响。需要时请重新上传。",
        "the job was cancelled, the books are untouched; upload the file again if it is needed",
    ),
    "job_state": (
        "任务处于“{state}”，不能{action}。请刷新页面查看最新状态。",
        "the job is {state} and cannot {action}; reload to see where it stands",
    ),
    "job_file_gone": (
        "任务 {value} 的这份文件不存在或已过期删除。请重新上传或重新生成。",
        "this file of job {value} does not exist or has expired; upload or make it again",
    ),
    "job_lease_lost": (
        "任务 {job} 已由另一个后台进程接手，本进程停止处理。无需操作。",
        "another worker has taken job {job} over, so this one stops; nothing is to be done",
    ),
}
"""Code → (Chinese, English)."""

UPLOAD_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "upload_dry_and_publish": (
        "dry_run（只核对）与 publish（核对后立即发布）不能同时为 true。请只保留其中一个。",
        "dry_run (only check) and publish (publish at once if every row is right) cannot both be "
        "true; keep one of them",
    ),
    "upload_cut_off": (
        "文件没有传完：服务器在接收时停止或失去了数据库。已收到的部分已删除，账目未受影响。"
        "请重新上传。",
        "the file did not arrive whole: the server stopped or lost its database while receiving "
        "it; what had come was removed and the books are untouched: upload it again",
    ),
    "not_a_spreadsheet": (
        "{file} 不是 Excel 或 ODS 表格（扩展名与内容不符）。请在 Excel 中另存为 .xlsx 后再上传。",
        "{file} is no Excel or ODS spreadsheet, whatever its name says; save it as .xlsx and send "
        "it again",
    ),
    "spreadsheet_locked": (
        "{file} 设有打开密码，无法读取。请在 Excel 中取消密码后另存，再上传。",
        "{file} is protected by a password; remove the password, save it and send it again",
    ),
    "spreadsheet_damaged": (
        "{file} 已损坏或不完整，无法读取。请在 Excel 中打开检查并另存为 .xlsx，再上传。",
        "{file} is damaged or incomplete and cannot be read; open it in Excel, save it as .xlsx "
        "and send it again",
    ),
    "spreadsheet_bomb": (
        "{file} 解压后达 {inflated} MB（原文件的 {ratio} 倍），"
        "超过上限 {limit} MB / {limit_ratio} 倍，"
        "未打开。请删除多余的工作表与格式后另存再上传。",
        "{file} would inflate to {inflated} MB ({ratio} times its size); the limits are {limit} MB "
        "and {limit_ratio} times, so it was not opened. Remove sheets and formats that are not "
        "needed, save it and send it again",
    ),
    "sheet_too_large": (
        "{file} 的工作表有 {rows} 行 × {columns} 列，"
        "超过可读范围（{limit_rows} 行、{limit_columns} 列）。"
        "请删除空白行列，或拆分后上传；百万行数据请用 CSV。",
        "a sheet of {file} reaches over {rows} rows and {columns} columns, more than can be read "
        "({limit_rows} rows, {limit_columns} columns); delete empty rows and columns or split it, "
        "and use CSV for a million rows",
    ),
    "sheet_unknown": (
        "{file} 中没有工作表“{sheet}”，现有：{known}。请改选其中之一。",
        "{file} has no sheet “{sheet}”; it has {known}. Choose one of them",
    ),
    "header_row_blank": (
        "{file} 的第 {row} 行是空行或不在前 40 个有内容的行内，不能作为表头。请另指一行。",
        "row {row} of {file} is blank or not among its first 40 rows with content and cannot be "
        "the header; name another row",
    ),
    "no_rows": (
        "{file} 中没有数据（隐藏的工作表不读取）。请检查工作表，或指定要读取的工作表。",
        "{file} holds no data (hidden sheets are not read); look at its sheets, or name the one "
        "to read",
    ),
    "columns_missing": (
        "{file} 缺少必填列：{columns}。请指定这些列对应的表头，或填写固定值，"
        "或用 wasteflow template {kind} 生成的模板。",
        "{file} lacks the required columns {columns}; say which header they have or give a fixed "
        "value, or use the template of wasteflow template {kind}",
    ),
    "columns_unread": (
        "{file} 中有无法识别的列：{columns}。请指定其含义，或说明不读取。",
        "{file} has columns nobody knows: {columns}; say what they are, or that they are not read",
    ),
    "row_not_yours": (
        "“{value}”不在您可以填报的范围内，本行未接受。请删除本行，或由该单位自行上传。",
        "“{value}” is not among those you may report for; delete the row, or let that organisation "
        "upload it",
    ),
    "upload_changed": (
        "文件 {file} 与核对时的内容不一致，未发布。请重新上传。",
        "{file} is not the file that was checked, so it was not published; upload it again",
    ),
    "upload_kind": (
        "不能上传“{value}”类数据，可用：{known}。请改选一类。",
        "{value} cannot be uploaded; choose one of {known}",
    ),
    "upload_type": (
        "不能读取 {file}：请上传 .xlsx、.xls、.ods、.csv 或 .tsv 文件。",
        "{file} cannot be read; send a file that ends in .xlsx, .xls, .ods, .csv or .tsv",
    ),
}
"""The same for files that are read and uploaded."""
