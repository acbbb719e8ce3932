"""Where the browser files of pages and maps lie: third-party ones from npm, our own in static/.

`python -m wasteflow_maps.assets collect` copies what `npm ci` installed into the git-ignored
folder vendor/, licences included, so that the wheel carries it.  Nothing is ever downloaded here.
"""

from __future__ import annotations

import base64
import re
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Final

from wasteflow_maps import MapError

_HERE: Final = Path(__file__).resolve().parent
VENDOR: Final = _HERE / "vendor"
STATIC: Final = _HERE / "static"

THIRD_PARTY: Final[dict[str, str]] = {
    "leaflet.js": "leaflet/dist/leaflet.js",
    "leaflet.css": "leaflet/dist/leaflet.css",
    "images/layers.png": "leaflet/dist/images/layers.png",
    "images/layers-2x.png": "leaflet/dist/images/layers-2x.png",
    "images/marker-icon.png": "leaflet/dist/images/marker-icon.png",
    "images/marker-icon-2x.png": "leaflet/dist/images/marker-icon-2x.png",
    "images/marker-shadow.png": "leaflet/dist/images/marker-shadow.png",
    "plotly-strict.min.js": "plotly.js-strict-dist-min/plotly-strict.min.js",
    "swagger-ui-bundle.js": "swagger-ui-dist/swagger-ui-bundle.js",
    "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
}
"""Public name of a file -> its path below node_modules/."""

LICENCES: Final[dict[str, str]] = {
    "licences/leaflet.txt": "leaflet/LICENSE",
    "licences/plotly.txt": "plotly.js-strict-dist-min/LICENSE",
    "licences/swagger-ui.txt": "swagger-ui-dist/LICENSE",
}
OWN: Final = (
    "arcs.js",
    "ground.js",
    "bubbles.js",
    "play.js",
    "flowmap.js",
    "picture.js",
    "wasteflow_map.css",
)

_SOURCE_MAP: Final = re.compile(r"^//[#@] sourceMappingURL=.*$", re.MULTILINE)
_CSS_IMAGE: Final = re.compile(r"url\(([\"']?)(images/[\w.-]+)\1\)")


def asset_names() -> tuple[str, ...]:
    """Every name `asset_path` knows, sorted."""
    return tuple(sorted((*THIRD_PARTY, *LICENCES, *OWN)))


def asset_path(name: str) -> Path:
    """The file behind a public asset name.

    Only the names of `asset_names()` exist, so a name out of a URL cannot leave the folders.
    Raises MapError `unknown_asset`, or `assets_missing` telling to run `./run assets`.
    """
    if name in OWN:
        return STATIC / name
    if name not in THIRD_PARTY and name not in LICENCES:
        raise MapError(
            "unknown_asset",
            zh=f"没有名为 {name!r} 的页面文件",
            en=f"no browser file is named {name!r}",
        )
    path = VENDOR / name
    if not path.is_file():
        raise MapError(
            "assets_missing",
            zh=f"缺少页面文件 {name}：请先运行 `./run assets`（npm ci 后复制到 vendor 文件夹）",
            en=f"browser file {name} is missing: run `./run assets` first (npm ci, then a copy)",
        )
    return path


def collect(node_modules: Path, target: Path = VENDOR) -> list[Path]:
    """Copy third-party files and their licences from `node_modules` into `target`, replacing it.

    Raises MapError `npm_missing` if a file is not there; `target` is untouched then.
    """
    wanted = {**THIRD_PARTY, **LICENCES}
    missing = sorted(source for source in wanted.values() if not (node_modules / source).is_file())
    if missing:
        raise MapError(
            "npm_missing",
            zh=f"{node_modules} 中缺少 {missing[0]}：请先在项目文件夹运行 `npm ci`",
            en=f"{missing[0]} is not in {node_modules}: run `npm ci` in the project folder first",
        )
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for name, source in sorted(wanted.items()):
        (fresh / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(node_modules / source, fresh / name)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    asset_text.cache_clear()
    return [target / name for name in sorted(wanted)]


@cache
def asset_text(name: str) -> str:
    """Text of a script or style sheet, ready to stand inside a page: no URL left to follow.

    Images of a style sheet become data URIs, source-map comments go.
    """
    text = asset_path(name).read_text(encoding="utf-8")
    if name.endswith(".css"):
        return _CSS_IMAGE.sub(lambda match: f"url({_data_uri(match[2])})", text)
    return _SOURCE_MAP.sub("", text).replace("</script", "<\\/script")


def _data_uri(name: str) -> str:
    coded = base64.b64encode(asset_path(name).read_bytes()).decode("ascii")
    return f"data:image/png;base64,{coded}"


def main(argv: list[str]) -> int:
    """`collect [node_modules]`; exit 0 done, 1 npm files missing, 2 wrong call."""
    if not argv or argv[0] != "collect" or len(argv) > 2:
        print("usage: python -m wasteflow_maps.assets collect [path/to/node_modules]")
        return 2
    node_modules = Path(argv[1]) if len(argv) == 2 else _HERE.parents[1] / "node_modules"
    try:
        files = collect(node_modules)
    except MapError as error:
        print(error.text("zh"), error.text("en"), sep="\n", file=sys.stderr)
        return 1
    size_kb = sum(path.stat().st_size for path in files) // 1024
    print(f"collected {len(files)} browser files ({size_kb} KiB) into {VENDOR}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
