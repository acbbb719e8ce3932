"""Wording of codes about geodata files, outlines of parks and exports; see `messages`."""

from __future__ import annotations

from typing import Final

GEO_MESSAGES: Final[dict[str, tuple[str, str]]] = {
    "geo_too_large": (
        "文件 {file} 超过 {limit} MB。请只保留园区边界图层，或先简化后再上传。",
        "the file {file} is larger than {limit} MB; keep only the layer of outlines or simplify it",
    ),
    "geo_kind": (
        "文件 {file} 的内容不是可识别的边界文件。可用：压缩为 zip 的 Shapefile（.shp .shx .dbf "
        ".prj）、KML/KMZ、GeoPackage、GeoJSON。请在 GIS 软件中另存为其中一种。",
        "the content of {file} is no geodata we read; save it as a zipped Shapefile (.shp .shx "
        ".dbf .prj), KML/KMZ, GeoPackage or GeoJSON",
    ),
    "geo_zip_broken": (
        "压缩包 {file} 无法解压（{why}）。请重新压缩（不加密码）后再上传。",
        "the archive {file} cannot be unpacked ({why}); zip it again without a password",
    ),
    "geo_zip_path": (
        "压缩包 {file} 中的路径 {member} 指向包外，已拒绝。请只压缩边界文件本身。",
        "the archive {file} holds the path {member}, which leads out of it, and is refused; zip "
        "only the files of the layer",
    ),
    "geo_zip_bomb": (
        "压缩包 {file} 解压后过大（上限 {limit} MB、500 个文件）或压缩比异常，已拒绝。"
        "请只压缩边界图层。",
        "the archive {file} would unpack to more than {limit} MB or 500 files, or is packed "
        "suspiciously tightly, and is refused; zip only the layer of outlines",
    ),
    "geo_zip_empty": (
        "压缩包 {file} 中没有 .shp、.kml、.gpkg 或 .geojson 文件。请把图层文件直接压缩在内。",
        "the archive {file} holds no .shp, .kml, .gpkg or .geojson; zip the files of the layer",
    ),
    "geo_entities": (
        "KML 文件 {file} 含有 DOCTYPE 或 ENTITY 声明，已拒绝。请从地图软件重新导出。",
        "the KML {file} declares a DOCTYPE or ENTITY and is refused; export it again",
    ),
    "geo_broken": (
        "文件 {file} 损坏或不完整（{why}）。请在 GIS 软件中打开确认后重新导出。",
        "the file {file} is broken or cut off ({why}); open it in a GIS and export it again",
    ),
    "geo_empty": (
        "文件 {file} 中没有任何要素。请检查导出时是否只选了空图层。",
        "the file {file} holds no feature; check whether an empty layer was exported",
    ),
    "geo_too_many": (
        "文件 {file} 超过 {features} 个要素或 {positions} 个坐标点。请只导出园区边界并简化。",
        "the file {file} has more than {features} features or {positions} positions; export only "
        "the outlines of parks, simplified",
    ),
    "month_outside": (
        "月份 {value} 不在期间 {period} 内。请改选期间内的月份，或去掉月份。",
        "the month {value} is not in the period {period}; ask for a month of it, or for none",
    ),
    "geo_which_layer": (
        "无法确定用哪个图层（指定：{value}）。请指定其中一个：{known}。",
        "it is not clear which layer to use (asked for: {value}); name one of {known}",
    ),
    "geo_which_column": (
        "没有可识别园区的列（指定：{value}）。请指定含园区代码或名称的列：{known}；"
        "若文件只有一个园区，请直接指定园区。",
        "no column names the parks (asked for: {value}); name the column with their codes or names "
        "({known}), or the park if the file is of one",
    ),
    "geo_which_park": (
        "园区 {value} 未登记，或不在你的权限范围内。请核对园区代码。",
        "the park {value} is not registered or not yours; check its code",
    ),
    "geo_no_match": (
        "列 {column} 中没有一个值对应登记的园区（{values}）。"
        "请改用其他列，或先登记园区，或直接指定园区。",
        "no value of the column {column} is a registered park ({values}); choose another column, "
        "register the parks, or name the park",
    ),
    "geo_crs_needed": (
        "文件没有可靠地说明坐标系（GeoJSON、KML 一律自称 WGS 84，Shapefile 缺 .prj）。"
        "请指定 WGS84、CGCS2000、GCJ-02、BD-09 或高斯-克吕格分带[[，可能是：{likely}]]。",
        "the file does not say reliably which coordinate system it is in (GeoJSON and KML always "
        "claim WGS 84, a Shapefile may lack its .prj): name WGS84, CGCS2000, GCJ-02, BD-09 or a "
        "Gauss-Krueger zone[[, possibly {likely}]]",
    ),
    "geo_crs_unknown": (
        "不认识坐标系 {value}。可用：WGS84、CGCS2000、GCJ-02、BD-09，"
        "或 CGCS2000 高斯-克吕格分带 EPSG:4491 至 EPSG:4554。",
        "unknown coordinate system {value}; use WGS84, CGCS2000, GCJ-02, BD-09, or a CGCS2000 "
        "Gauss-Krueger zone EPSG:4491 to EPSG:4554",
    ),
    "geo_crs_unreadable": (
        "文件中的坐标系说明无法识别（{crs}）。请核实后在导入时指定坐标系。",
        "the coordinate system the file states cannot be understood ({crs}); find out what it is "
        "and name it",
    ),
    "geo_foreign_datum": (
        "文件的坐标系 {crs} 基于 {datum}；北京 54、西安 80 等须用当地参数转换。"
        "请由测绘单位转换为 CGCS2000 后再上传。",
        "the file is in {crs} on {datum}; such datums (Beijing 1954, Xi'an 1980) need local "
        "parameters: have it converted to CGCS2000 first",
    ),
    "geo_crs_conflict": (
        "文件自带坐标系 {stated}，与指定的 {value} 不符。请去掉指定，或改正文件的 .prj。",
        "the file states {stated}, you asked for {value}; leave the system out or mend the .prj",
    ),
    "geo_position": (
        "坐标中有无效数值（{value}）。请在 GIS 软件中检查几何后重新导出。",
        "a coordinate is not a number ({value}); check the geometry in a GIS and export again",
    ),
    "geo_outside_china": (
        "按 {system} 读取，坐标 ({x}, {y}) 不在中国范围内。请核对坐标系和坐标顺序。",
        "read as {system}, the position ({x}, {y}) does not lie in China; check the coordinate "
        "system and the order of the coordinates",
    ),
    "geo_swapped": (
        "坐标 ({x}, {y}) 像是纬度在前、经度在后。请把顺序改为经度、纬度后重新导出。",
        "the position ({x}, {y}) looks like latitude first; export it again as longitude, latitude",
    ),
    "geo_metres": (
        "坐标 ({x}, {y}) 是以米计的平面坐标，不能按 {system} 读取。"
        "请指定高斯-克吕格分带，可能是：{likely}。",
        "the position ({x}, {y}) is in metres and cannot be read as {system}; name the "
        "Gauss-Krueger zone, possibly {likely}",
    ),
    "geo_metres_swapped": (
        "坐标 ({x}, {y}) 像是北坐标在前、东坐标在后（系统 {system}，可能分带：{likely}）。"
        "请交换两列后重新导出。",
        "the position ({x}, {y}) looks like northing first (system {system}, zone {likely}); "
        "exchange the two and export again",
    ),
    "geo_no_area": (
        "{what} 的边界没有面积（只有点、线或极小的碎片）。请用面要素（闭合多边形）重新导出。",
        "the outline of {what} has no area (points, lines or slivers only); export closed polygons",
    ),
    "geo_far": (
        "{park} 的边界离登记位置 {km} 公里（上限 {limit} 公里，按 {system} 读取）。"
        "请核对坐标系或分带，或先更正园区的登记坐标。",
        "the outline of {park} lies {km} km from its registered position (limit {limit} km, read "
        "as {system}); check the system or zone, or mend the registered position of the park",
    ),
    "geo_stale": (
        "上传后，园区 {park} 的边界已被他人更新。请重新查看预览后再保存。",
        "the outline of {park} was changed since the preview; look at it again, then save",
    ),
    "geo_source_missing": (
        "请填写边界的来源（如测绘单位、批复文件）。",
        "say where the outline is from (surveyor, approval document)",
    ),
    "export_expired": (
        "导出文件已过期或不存在。请重新导出。",
        "the exported file has expired or does not exist; export it again",
    ),
    "export_not_ready": (
        "导出尚未完成（状态：{state}）。请稍候刷新。",
        "the export is not finished (it is {state}); reload in a moment",
    ),
    "export_unknown_kind": (
        "不能导出 {kind}。可用：{known}。",
        "{kind} cannot be exported; use one of {known}",
    ),
    "xlsx_cell_too_long": (
        "第 {row} 行“{column}”的文字超过 Excel 单元格上限 32,767 字。请改用 CSV 导出。",
        "row {row} of {column} holds more text than a cell of Excel takes (32,767); take CSV",
    ),
    "xlsx_too_many_rows": (
        "工作表最多 {limit} 行，此表有更多行。请缩小范围、期间，或改用 CSV。",
        "a sheet holds at most {limit} rows and this table has more; narrow the scope or period, "
        "or take CSV",
    ),
}
"""Code → (Chinese, English)."""
