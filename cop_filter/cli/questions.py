"""Answers questions about hosts and URLs in batches, as JSON lines or as sentences. No I/O."""

from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple, Protocol

from cop_filter.errors import InvalidUrl
from cop_filter.verdict import Action, Plane, Verdict


class Decider(Protocol):
    """What is asked of the engine."""

    def decide_host(self, name: str | bytes, plane: str = ..., profile: str | None = ...) -> Verdict: ...
    def decide_url(self, url: str | bytes, plane: str = ..., profile: str | None = ...) -> Verdict: ...
    def decide_hosts(
        self, names: Sequence[str], plane: str = ..., profile: str | None = ...
    ) -> list[Verdict | InvalidUrl]: ...
    def decide_urls(
        self, urls: Sequence[str], plane: str = ..., profile: str | None = ...
    ) -> list[Verdict | InvalidUrl]: ...


class Answered(NamedTuple):
    """One question as it can be shown, and its answer."""

    query: str
    plane: Plane
    result: Verdict | InvalidUrl


def answer(
    engine: Decider, words: Sequence[bytes], plane: Plane | None, profile: str | None = None
) -> list[Answered]:
    """Decide every word, in order: with a "/" it is a URL (asked on http), else a host (on dns).

    `plane` overrides where it is asked, `profile` says for whose client. Words are bytes, because traffic
    is: one that is no UTF-8 is decided all the same, and shown with its odd bytes escaped.
    """
    answers: list[Answered | None] = [None] * len(words)
    for is_url in (False, True):
        places, texts = [], []
        asked_on = plane or (Plane.HTTP if is_url else Plane.DNS)
        decide_one = engine.decide_url if is_url else engine.decide_host
        for place, word in enumerate(words):
            if (b"/" in word) is not is_url:
                continue
            try:
                texts.append(word.decode())
                places.append(place)
            except UnicodeDecodeError:
                result = _one(decide_one, word, asked_on, profile)
                answers[place] = Answered(word.decode(errors="backslashreplace"), asked_on, result)
        decide_many = engine.decide_urls if is_url else engine.decide_hosts
        for place, text, result in zip(places, texts, decide_many(texts, asked_on, profile), strict=True):
            answers[place] = Answered(text, asked_on, result)
    return [one for one in answers if one is not None]


def _one(decide: "_Decide", word: bytes, plane: Plane, profile: str | None) -> Verdict | InvalidUrl:
    try:
        return decide(word, plane, profile)
    except InvalidUrl as exc:
        return exc


class _Decide(Protocol):
    def __call__(self, word: str | bytes, plane: str = ..., profile: str | None = ..., /) -> Verdict: ...


class JsonLines:
    """One JSON object a line. The part behind the query takes few values, so it is written once each."""

    def __init__(self) -> None:
        self._tails: dict[tuple[object, ...], str] = {}

    def __call__(self, answers: Iterable[Answered]) -> str:
        """All answers as lines; an invalid question has an "error" instead of an action."""
        tails = self._tails
        lines = []
        for query, plane, result in answers:
            if isinstance(result, InvalidUrl):
                lines.append(f'{{"query": {quoted(query)}, "error": {quoted(str(result))}}}\n')
                continue
            key = (plane, *result[:-1])
            tail = tails.get(key)
            if tail is None:
                tail = tails[key] = _tail(plane, result)
            lines.append(f'{{"query": {quoted(query)}, {tail}}}\n')
        return "".join(lines)


def _tail(plane: Plane, verdict: Verdict) -> str:
    words = {
        "plane": plane,
        "action": verdict.action,
        "list": verdict.list_id,
        "category": verdict.category,
        "legal_basis": verdict.legal_basis,
        "kind": verdict.kind,
        "spelling": verdict.spelling,
    }
    shown = [f'"{name}": {"null" if word is None else quoted(word)}' for name, word in words.items()]
    return ", ".join([*shown, f'"generation": {verdict.generation}'])


_SENTENCES = {
    Action.ALLOW: "allowed",
    Action.BLOCK: "blocked",
    Action.STEER: "steered to the proxy, because some of its pages are listed",
    Action.OBSERVE: "observed only (the list is a dry run)",
}


def sentences(answers: Iterable[Answered]) -> str:
    """All answers for a reader; they name the list and the kind of entry, never the entry."""
    lines = []
    for query, plane, result in answers:
        # A terminal must not run what a question holds.
        shown = query if query.isprintable() else query.encode("unicode_escape").decode()
        if isinstance(result, InvalidUrl):
            lines.append(f"{shown}: invalid: {result}\n")
            continue
        lines.append(f"{shown}: {_SENTENCES[result.action]} on {plane} (generation {result.generation})\n")
        if result.list_id is not None:
            lines.append(
                f"    list {result.list_id}, category {result.category}, legal basis {result.legal_basis}, "
                f"kind {result.kind}, spelling {result.spelling}\n"
            )
    return "".join(lines)
