"""axe-core in a page: the rules that cost little on every page, contrast once per component.

Contrast is most of what axe-core costs, and the same component has the same colours on every page:
it is measured on each visible element whose tag, classes and classes of its three ancestors were
not seen before in the same appearance.  Rules none of whose checks can be serious are not asked:
axe-core says itself how bad the failure of a check is.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from playwright.sync_api import Frame, Page

PATH: Final = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
_TOLD: Final = """.violations.filter(found => ['serious', 'critical'].includes(found.impact))
  .flatMap(found => found.nodes.slice(0, 3)
    .map(node => found.id + ': ' + node.html.slice(0, 160)))"""
_RULES: Final = f"""async () => {{
  const rules = {{'color-contrast': {{enabled: false}}}}, known = axe._audit;
  const bad = impact => !['minor', 'moderate'].includes(impact);
  for (const rule of known.rules) {{
    const checks = [...rule.any, ...rule.all, ...rule.none].map(check => check.id ?? check);
    const worst = checks.map(name => known.data.checks[name]?.impact);
    if (![...worst, rule.impact ?? 'minor'].some(bad)) rules[rule.id] = {{enabled: false}};
  }}
  return (await axe.run(document, {{iframes: false, preload: false,
    resultTypes: ['violations'], rules}})){_TOLD};
}}"""
_CONTRAST: Final = f"""async seen => {{
  const known = new Set(seen), fresh = [], nodes = [];
  for (const one of document.body.querySelectorAll('*')) {{
    if (![...one.childNodes].some(part => part.nodeType === 3 && part.data.trim())) continue;
    if (!one.checkVisibility({{visibilityProperty: true}})) continue;
    let sign = '', up = one;
    for (let depth = 0; up && depth < 4; depth += 1, up = up.parentElement)
      sign += `${{up.localName}}.${{up.getAttribute('class')}}${{up.disabled ? '!' : ''}} `;
    if (known.has(sign)) continue;
    known.add(sign);
    fresh.push(sign);
    nodes.push(one);
  }}
  const found = nodes.length ? (await axe.run({{include: nodes}}, {{iframes: false,
    preload: false, resultTypes: ['violations'], runOnly: ['color-contrast']}})){_TOLD} : [];
  return [fresh, found];
}}"""
_LOOK: Final = """() => (document.documentElement.dataset.theme
  || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'))
  + (innerWidth < 768 ? ' on a phone' : '')"""


@cache
def _script() -> str:
    return PATH.read_text(encoding="utf-8")


class Walker:
    """Checks page after page and remembers which components it has measured."""

    def __init__(self) -> None:
        self.seen: dict[str, set[str]] = {}

    def found(self, page: Page | Frame, theme: str) -> list[str]:
        """Serious and critical findings of a page in the appearance it has."""
        page.evaluate(_script())
        wrong: list[str] = page.evaluate(_RULES)
        return wrong + self.contrast(page, theme)

    def contrast(self, page: Page | Frame, theme: str) -> list[str]:
        """Findings of contrast among the components not seen in this appearance before."""
        seen = self.seen.setdefault(theme, set())
        fresh, wrong = page.evaluate(_CONTRAST, sorted(seen))
        seen |= set(fresh)
        return [f"{theme} {what}" for what in wrong]


_SEEN: Final = Walker()


def serious(page: Page) -> list[str]:
    """Serious and critical findings of a page as it stands; contrast once per test process."""
    return _SEEN.found(page, page.evaluate(_LOOK))
