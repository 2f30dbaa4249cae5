"""A review of entry texts as a refresh has it: with what is in force, and what must never be blocked."""

from collections.abc import Iterable, Sequence

from generations import a_list

from cop_filter import formats
from cop_filter.compiler import list_policy
from cop_filter.entries import Entry, parse
from cop_filter.guards import Accepted, GuardReport, Review
from cop_filter.guards.never_block import NeverBlock, Rule
from cop_filter.guards.suffixes import SuffixRules
from cop_filter.manifest import ListState

RULES = SuffixRules.of(
    ["example", "co.example", "dyn.co.example", "free.example", "*.wild.example", "!www.wild.example", "*.zz"]
)
NOTHING = NeverBlock.of([])


def never_block(*names: str) -> NeverBlock:
    """`*.name` protects what is below too."""
    return NeverBlock.of(
        [Rule("a file", name.removeprefix("*."), below=name.startswith("*.")) for name in names]
    )


def version(entries: int, churn: int, at: float = 0.0, **kinds: int) -> Accepted:
    return Accepted(at, entries, churn, 0, kinds)


def in_force(count: int) -> ListState:
    return ListState(list_policy(a_list()), entries=count, published_at=1.0)


def review(
    texts: Sequence[str],
    *,
    held: Iterable[str] | None = None,
    removed: Sequence[str] = (),
    entries: int | None = None,
    protected: NeverBlock = NOTHING,
    history: Sequence[Accepted] = (),
    canaries: Sequence[str] = (),
    is_change: bool = False,
    now: float | None = None,
    **settings: object,
) -> GuardReport:
    """What the guards say of these lines. `held` are the entries in force (None: the list is new)."""
    there = None if held is None else {parse(text) for text in held}

    def holds(asked: Sequence[Entry]) -> list[bool]:
        assert there is not None
        return [each in there for each in asked]

    wanted = a_list(**settings)
    one = Review(
        wanted,
        None if there is None else in_force(len(there)),
        holds,
        protected,
        history,
        canaries=canaries,
        is_change=is_change,
        now=now,
        suffixes=RULES,
    )
    distinct: set[Entry] = set()
    raw = {"": "\n".join(texts).encode()}
    for chunk in formats.parse(raw, format="plain", addresses=wanted.allow_addresses):
        one.add(chunk)
        distinct.update(chunk.entries)
    one.remove([parse(text) for text in removed])
    if entries is None:
        entries = len(distinct) + (len(there or ()) - len(removed) if is_change else 0)
    return one.report(entries)


def guards_of(report: GuardReport) -> list[str]:
    return [finding.guard for finding in report.findings]


def names(count: int, start: int = 0, ending: str = "example") -> list[str]:
    """Distinct registered domains."""
    return [f"name{number}.{ending}" for number in range(start, start + count)]
