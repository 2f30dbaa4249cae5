"""The page that stands in place of what was blocked (RFC 7725), alike for the proxy and the splash server.

It says why, on what basis, who answers for it and where to turn. It never shows the address asked for, nor
anything derived from it: its content depends on the list and the operator alone.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from cop_filter.config import OperatorConfig
from cop_filter.splash.contacts import Run, first_uri, runs
from cop_filter.splash.language import Translation, choose, translations
from cop_filter.verdict import LegalBasis, Verdict

STATUS = 451
"""Unavailable For Legal Reasons."""


class Page(NamedTuple):
    """A whole response. `headers` lack Content-Length, which whoever sends the body knows best."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Reason(NamedTuple):
    """All that a page may depend on besides the operator and the language."""

    authority: str
    category: str
    legal_basis: LegalBasis | None


class _Section(NamedTuple):
    heading: str
    paragraphs: tuple[str, ...]
    contact: tuple[Run, ...] = ()


def render(verdict: Verdict | None, operator: OperatorConfig, accept_language: str) -> Page:
    """Make the page for a verdict that stops something.

    Without one that names its list (nothing is known, or deciding failed), the page gives no reason.
    `accept_language` is the reader's header as it came; any text is safe.
    """
    reason = None
    if verdict is not None and verdict.stops and verdict.authority:
        category = (verdict.category or "").lower().replace("-", "_")
        reason = _Reason(verdict.authority, category, verdict.legal_basis)
    return _page(reason, operator, choose(accept_language).language)


@lru_cache(maxsize=256)
def _page(reason: _Reason | None, operator: OperatorConfig, language: str) -> Page:
    translation = translations()[language]
    texts = translation.texts["page" if reason else "generic"]
    names = {"operator": operator.name, "authority": reason.authority if reason else ""}
    body = _template().render(
        language=translation.language,
        direction=translation.direction,
        title=texts["title"],
        heading=texts["heading"],
        lead=_fill(texts["lead"], names),
        blame=texts.get("blame"),
        sections=_sections(reason, operator, translation, names),
    )
    return Page(STATUS, _headers(operator, language), body.encode())


def _sections(
    reason: _Reason | None, operator: OperatorConfig, translation: Translation, names: Mapping[str, str]
) -> list[_Section]:
    texts = translation.texts
    sections = []
    if reason:
        categories, bases = texts["category"], texts["basis"]
        why = [categories.get(reason.category, categories["any"])]
        if reason.legal_basis is not None:
            why.append(bases[reason.legal_basis])
        sections.append(_Section(texts["why"]["heading"], tuple(_fill(text, names) for text in why)))
    sections.append(_Section(texts["privacy"]["heading"], (texts["privacy"]["text"],)))
    for table, contact in (
        ("hotline", operator.hotline),
        ("appeal", operator.appeals),
        ("responsible", operator.responsible_officer),
    ):
        text = _fill(texts[table]["text"], names)
        sections.append(_Section(texts[table]["heading"], (text,), runs(contact)))
    return sections


def _fill(text: str, names: Mapping[str, str]) -> Markup:
    """Put names into a text, isolated from its writing direction; both are escaped."""
    isolated = {key: Markup("<bdi>{}</bdi>").format(name) for key, name in names.items()}
    return escape(text).format(**isolated)


def _headers(operator: OperatorConfig, language: str) -> Mapping[str, str]:
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Language": language,
        "Vary": "Accept-Language",
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    # RFC 7725 §4: the link names who implements the block, not who asked for it; so never the hotline.
    implementer = first_uri(operator.appeals, operator.responsible_officer)
    if implementer:
        headers["Link"] = f'<{implementer}>; rel="blocked-by"'
    return headers


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("cop_filter.splash"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    return environment.get_template("page.html")
