"""Wording of faults of files, columns and single values; see `core.messages`."""

from __future__ import annotations

from typing import Final

FILE_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    # --- the file as a whole ------------------------------------------------------------
    "file_missing": (
        "找不到文件 {file}。请检查路径和文件名。",
        "there is no file {file}; check the path and the name",
    ),
    "file_unreadable": (
        "无法读取文件 {file}（{why}）。请检查权限，或先在其他程序中关闭它。",
        "the file {file} cannot be read ({why}); check its permissions or close it elsewhere",
    ),
    "reader_died": (
        "读取文件的进程意外结束（状态 {status}），没有导入任何数据。常见原因是内存不足；"
        "请释放内存后重新导入，或拆分文件。",
        "the process that reads the file ended unexpectedly (status {status}); nothing was "
        "imported; most often memory ran out: free some and import again, or split the file",
    ),
    "file_too_large": (
        "文件 {file} 有 {size} MB，超过上限 {limit} MB。请按月份拆成几份再导入。",
        "the file {file} has {size} MB, more than the {limit} MB allowed; split it by month",
    ),
    "empty_file": (
        "文件 {file} 是空的。第一行应为列名，其下每行一条记录。",
        "the file {file} is empty; the first line should hold column names, then one record a line",
    ),
    "not_text": (
        "文件 {file} 不是文本：第 {line} 行（字节 {offset}）有控制字符 {byte}。"
        "请在表格软件中另存为“CSV UTF-8”后再导入。",
        "the file {file} is not text: control character {byte} in line {line} (byte {offset}); "
        "save it as “CSV UTF-8” from the spreadsheet and import that",
    ),
    "looks_like_zip": (
        "文件 {file} 其实是压缩包或 XLSX 工作簿，不是 CSV，改后缀不会改变内容。"
        "请打开它并另存为“CSV UTF-8”。",
        "the file {file} is really a ZIP archive or an XLSX workbook, not CSV; renaming does not "
        "convert it: open it and save it as “CSV UTF-8”",
    ),
    "looks_like_xls": (
        "文件 {file} 其实是旧版 Excel（XLS）工作簿。请用 Excel 或 WPS 打开并另存为“CSV UTF-8”。",
        "the file {file} is really an old Excel workbook (XLS); open it and save it as “CSV UTF-8”",
    ),
    "looks_like_html": (
        "文件 {file} 其实是网页（HTML）表格，不是 CSV。请用 Excel 或 WPS 打开并另存为“CSV UTF-8”。",
        "the file {file} is really a web page (HTML); open it in a spreadsheet and save it as "
        "“CSV UTF-8”",
    ),
    "looks_like_other": (
        "文件 {file} 其实是 {what} 文件，不是表格文本。请导入 CSV、TSV 或 JSON。",
        "the file {file} is really a {what} file, not a table of text; import CSV, TSV or JSON",
    ),
    "bad_bytes": (
        "文件 {file} 第 {line} 行（字节 {offset}）的字节 {byte} 不符合编码 {encoding}。"
        "请修正该处文字，或用 --encoding 指明真实编码，或另存为“CSV UTF-8”。",
        "in the file {file}, line {line} (byte {offset}), byte {byte} is not valid {encoding}; "
        "mend the text there, name the real encoding with --encoding, or save as “CSV UTF-8”",
    ),
    "unknown_encoding": (
        "不认识编码“{encoding}”。可用：{known}。",
        "unknown encoding “{encoding}”; known ones: {known}",
    ),
    "bad_json": (
        "文件 {file} 第 {line} 行不是正确的 JSON：{why}。应为一个列表，每个元素是一条记录："
        '[{{"列名": "值", …}}, …]，吨数写成字符串。',
        "line {line} of the file {file} is not valid JSON: {why}; expected one list of flat "
        'objects, [{{"column": "value", …}}, …], with tonnes written as strings',
    ),
    "bad_quotes": (
        "文件 {file} 从第 {line} 行开始的双引号没有正确闭合，其后各列无法分辨。"
        "请补上引号；单元格内的引号写成两个。",
        "in the file {file} a double quote of the row starting at line {line} is not closed "
        "properly, so what follows cannot be told apart; close it, and write a quote inside a "
        "cell twice",
    ),
    "cell_too_long": (
        "文件 {file} 从第 {line} 行开始有一个单元格超过 {limit} 个字符，多半是双引号没有闭合。",
        "in the file {file} a cell of the row starting at line {line} has more than {limit} "
        "characters; most likely a double quote was not closed",
    ),
    "header_not_first": (
        "文件 {file} 的第一行不是列名，第 {line} 行才像是列名。请删去其上的标题行后重试。",
        "the first line of the file {file} does not hold column names; line {line} looks like "
        "them: delete the title lines above it and try again",
    ),
    "unknown_kind": (
        "不认识的数据类型“{kind}”。可用：{known}。",
        "unknown kind “{kind}”; known ones: {known}",
    ),
    "unknown_format": (
        "不能按文件名 {file} 的后缀导出。可用的后缀：{known}。",
        "the ending of {file} names no format this can be written in; known endings: {known}",
    ),
    "bad_boundary": (
        "文件 {file} 中的园区边界不可用：{reason}。请在 GIS 软件中修正后重新导入。",
        "an outline in the file {file} cannot be used: {reason}; mend it in a GIS and import again",
    ),
    # --- columns ------------------------------------------------------------------------
    "unknown_column": (
        "不认识的列：{columns}。[[{hint}]]可用的列（英文名或中文名）：{known}。请改名或删去该列。",
        "unknown columns: {columns}. [[{hint}]]Known columns (English or Chinese): {known}. "
        "Rename or delete them",
    ),
    "duplicate_column": (
        "列 {columns} 出现了不止一次（英文名和中文名算同一列）。每列只保留一个。",
        "columns given more than once (an English name and its Chinese label are one column): "
        "{columns}; keep one of each",
    ),
    "missing_column": (
        "缺少必需的列：{columns}。请在表头加上，顺序不限。",
        "required columns are missing: {columns}; add them to the header, in any order",
    ),
    "too_many_columns": (
        "表头有 {count} 列，最多 {limit} 列。文件可能转置了，或分隔符不对。",
        "the header has {count} columns, at most {limit} are read; the table may be transposed "
        "or its delimiter wrong",
    ),
    "wrong_field_count": (
        "本行有 {found} 个单元格，表头有 {expected} 列。"
        "常见原因是数字里的千分位逗号没有加引号，或漏了分隔符。",
        "this row has {found} cells but the header has {expected} columns; often a thousands "
        "comma without quotes or a missing delimiter",
    ),
    "mass_as_json_number": (
        'JSON 中的吨数必须写成字符串，例如 "31.480"，不能写成数字 {value}。',
        'tonnes in JSON must be strings such as "31.480", not the number {value}',
    ),
    "nested_value": (
        "JSON 记录必须是平的：此处应为文字、数字、true/false 或 null，不能是列表或对象。",
        "JSON records must be flat: text, a number, true/false or null is expected here, not a "
        "list or an object",
    ),
    "not_an_object": (
        'JSON 列表的每个元素必须是一个对象 {{"列名": "值"}}。',
        'each element of the JSON list must be an object {{"column": "value"}}',
    ),
    "duplicate_key": (
        "同一条 JSON 记录中“{key}”出现了两次。只保留一个。",
        "the key “{key}” stands twice in one JSON record; keep one",
    ),
    "rows_refused": (
        "有 {count} 行不能接收，因此整份文件都没有导入。"
        "请改正后重新导入（--errors FILE 可导出原因）。",
        "{count} rows are refused, so nothing of the file was taken; mend them and import again "
        "(--errors FILE writes the reasons beside your rows)",
    ),
    # --- single values ------------------------------------------------------------------
    "missing_value": (
        "此处必须填写，不能为空。",
        "a value is required here; it is blank",
    ),
    "not_a_number": (
        "“{value}”不是数字。请写成例如 31.480，不要带单位。",
        "“{value}” is not a number; write for example 31.480, without a unit",
    ),
    "too_many_places": (
        "“{value}”吨的小数超过 3 位，账本以千克为最小单位。请改成 3 位，"
        "或用 --round-kg 让系统按四舍六入五成双取整并报告差额。",
        "“{value}” t has more than 3 decimal places and the ledger counts whole kilograms; write "
        "3 places, or use --round-kg to round half to even and be told the difference",
    ),
    "mass_too_large": (
        "“{value}”吨超过单条记录的上限（10^12 吨）。请检查单位是否写成了千克或多了零。",
        "“{value}” t is more than one record can hold (1e12 t); check the unit and the zeros",
    ),
    "moisture_out_of_range": (
        "含水率“{value}”应为 0 到 100 之间（不含 100）的百分数，最多 3 位小数，例如 20.5。",
        "moisture “{value}” must be a percentage from 0 to below 100 with at most 3 decimal "
        "places, such as 20.5",
    ),
    "percent_out_of_range": (
        "含量“{value}”应为大于 0、至多 100 的百分数，最多 3 位小数，例如 46.5。",
        "a content of “{value}” must be a percentage above 0 and at most 100 with at most 3 "
        "decimal places, such as 46.5",
    ),
    "bad_month": (
        "“{value}”不是月份。请写成 2026-07。",
        "“{value}” is not a month; write 2026-07",
    ),
    "bad_period": (
        "“{value}”不是期间。可写 2024、2024H1、2024Q3、2024-07 或 2024-01..2024-06。",
        "“{value}” is not a period; write 2024, 2024H1, 2024Q3, 2024-07 or 2024-01..2024-06",
    ),
    "bad_date": (
        "“{value}”不是日期（1950 至 2100 年）。请写成 2026-01-02、2026/1/2 或 2026年1月2日。",
        "“{value}” is not a date between 1950 and 2100; write 2026-01-02, 2026/1/2 or 2026年1月2日",
    ),
    "bad_time": (
        "“{value}”不是时间。请写成 2026-01-02 08:30 或 2026-01-02T08:30:00+08:00；"
        "不写时区按北京时间。",
        "“{value}” is not a time; write 2026-01-02 08:30 or 2026-01-02T08:30:00+08:00 (without "
        "an offset it is read as Asia/Shanghai)",
    ),
    "bad_year": (
        "“{value}”不是年份。请写成 1950 至 2100 之间的四位数。",
        "“{value}” is not a year; write four digits from 1950 to 2100",
    ),
    "bad_count": (
        "“{value}”应为大于 0 的整数（至多 {limit}）。",
        "“{value}” must be a whole number above 0 and at most {limit}",
    ),
    "reserved_code": (
        "{value} 是流向图中的固定节点名，不能作编码，请换一个。",
        "{value} is the name of a fixed node of the flow graph; choose another code",
    ),
    "bad_code": (
        "“{value}”不能作代码。代码由字母、汉字、数字和 . _ - 组成，至多 80 个字符，不含空格。",
        "“{value}” cannot be a code: letters, digits and . _ - only, at most 80 characters, no "
        "spaces",
    ),
    "bad_doc_no": (
        "“{value}”不能作单号。单号至多 80 个字符，不含空格。",
        "“{value}” cannot be a document number: at most 80 characters, no spaces",
    ),
    "bad_word": (
        "“{value}”不在可选值之中。可用：{known}。",
        "“{value}” is not one of the known words: {known}",
    ),
    "bad_uscc": (
        "“{value}”不是正确的统一社会信用代码（18 位，GB 32100-2015，末位为校验码）。"
        "请核对营业执照，没有就留空。",
        "“{value}” is not a valid unified social credit code (18 characters, GB 32100-2015, the "
        "last one a check character); look at the licence, or leave it blank",
    ),
    "bad_waste_code": (
        "“{value}”不是固体废物代码。应为 11 个字符，"
        "形如 312-001-S01（生态环境部公告2024年第4号）。",
        "“{value}” is not a solid waste code; it has 11 characters such as 312-001-S01 (MEE "
        "notice 2024 no. 4)",
    ),
    "bad_longitude": (
        "经度“{value}”应在 -180 到 180 之间。请检查经纬度是否写反。",
        "longitude “{value}” must lie in -180..180; check that lon and lat are not swapped",
    ),
    "bad_latitude": (
        "纬度“{value}”应在 -90 到 90 之间。请检查经纬度是否写反。",
        "latitude “{value}” must lie in -90..90; check that lon and lat are not swapped",
    ),
    "half_position": (
        "经度和纬度必须一起填写，或一起留空。",
        "longitude and latitude must be given together or both left blank",
    ),
    "bad_scope": (
        "“{value}”不是范围。可写 all、region:530100、park:<代码> 或 enterprise:<代码>。",
        "“{value}” is not a scope; write all, region:530100, park:<code> or enterprise:<code>",
    ),
    "bad_alias": (
        "曾用名“{value}”写法不对。多个名称用 ; 分隔，可带起止时间：名称@2019-01..2021-06。",
        "the alias “{value}” is not well formed; separate names by ; and write validity as "
        "name@2019-01..2021-06",
    ),
    "empty_list": (
        "“{value}”中没有任何代码。多个代码用 ; 分隔，例如 phosphogypsum;red_mud。",
        "“{value}” holds no code; separate several by ; as in phosphogypsum;red_mud",
    ),
    "star_alone": (
        "“*”表示全部，不能与其他代码同写：“{value}”。",
        "“*” means all and stands alone; it cannot be mixed with codes: “{value}”",
    ),
    "text_too_long": (
        "文字有 {length} 个字符，最多 {limit} 个。请缩短。",
        "the text has {length} characters, at most {limit} are kept; shorten it",
    ),
    "control_character": (
        "文字中有不可见的控制字符（{byte}）。请重新输入该单元格。",
        "the text holds an invisible control character ({byte}); type the cell again",
    ),
    "damaged_text": (
        "文字中有乱码替代符“�”，说明以前转换编码时丢失了内容。请从原件重新录入。",
        "the text holds the replacement character “�”: an earlier conversion lost something; "
        "type it again from the original",
    ),
    "not_text_value": (
        "此处应为文字，收到的是 {type}。",
        "text is expected here, not {type}",
    ),
    "negative_amount": (
        "“{value}”不能为负数。",
        "“{value}” must not be negative",
    ),
    "interval_reversed": (
        "终止日期早于起始日期 {first}。请对调或更正。",
        "the end lies before the start {first}; swap or correct them",
    ),
    "low_above_high": (
        "低值、典型值、高值必须依次不减。",
        "low, typical and high must not decrease in this order",
    ),
}
