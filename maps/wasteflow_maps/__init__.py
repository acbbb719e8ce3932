"""Maps of flows and rates: draws finished results, never reads a row; folium is imported lazily.

Enter by `layers.map_data`, `page.render_map`, `assets.asset_path`, `boundaries.read_boundaries`.
"""

from __future__ import annotations

from wasteflow.core.errors import WasteflowError


class MapError(WasteflowError):
    """A map or a boundary file that cannot be used; carries its wording in both languages."""

    def __init__(self, code: str, *, zh: str, en: str) -> None:
        self.code = code
        self.params: dict[str, str] = {}
        self._wording = {"zh": zh, "en": en}
        Exception.__init__(self, en)

    def text(self, lang: str = "zh") -> str:
        """The wording in `lang` ("zh" or "en")."""
        return self._wording["en" if lang == "en" else "zh"]
