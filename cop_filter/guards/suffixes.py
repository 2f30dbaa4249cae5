"""Public suffixes (publicsuffix.org): where names are registered, so that no entry covers a whole such place.

The private section counts: under the name of a dynamic-DNS or hosting service live as many unrelated
people as under a top-level domain. Rules are worked out once, so that most names need no look at labels.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cop_filter.keywords import verifier
from cop_filter.names import canonical_host
from cop_filter.verdict import Kind


@dataclass(frozen=True, slots=True)
class SuffixRules:
    """The list's rules, in canonical names. A top-level domain that no rule knows is a suffix."""

    exact: frozenset[str]
    wild: frozenset[str]
    """The name behind the `*.` of each wildcard rule; a suffix itself, as the list's own linter has it."""
    exceptions: frozenset[str]
    above: frozenset[str]
    """Every name of two labels or more that some rule lies below."""
    two_labels: frozenset[str]
    """Those of `exact` that have two labels and are in no wildcard."""
    odd_tails: frozenset[str]
    """The last two and three labels of every other rule. A name that ends in none of them, nor in
    `wild_ends`, has two labels as registered domain, and below one of `two_labels` three."""
    wild_ends: tuple[str, ...]
    """`.label` of each top-level domain with a wildcard rule: the rule's names are in no set."""

    words: str
    """All names, one a line."""

    @classmethod
    def of(cls, rules: Iterable[str]) -> "SuffixRules":
        """From the rules of a list: `name`, `*.name` or `!name`, one each."""
        exact: set[str] = set()
        wild: set[str] = set()
        exceptions: set[str] = set()
        for rule in rules:
            name = _canonical(rule.removeprefix("!").removeprefix("*."))
            (exceptions if rule[0] == "!" else wild if rule.startswith("*.") else exact).add(name)
        known = exact | wild | exceptions
        above = {up for name in known for up in ancestors(name) if "." in up}
        two_labels = {name for name in exact - wild if name.count(".") == 1}
        return cls(
            frozenset(exact),
            frozenset(wild),
            frozenset(exceptions),
            frozenset(above),
            frozenset(two_labels),
            frozenset(tail(name, count) for name in known for count in (2, 3) if "." in name) - two_labels,
            tuple(sorted(f".{name}" for name in wild if "." not in name)),
            "\n".join(sorted(exact | wild)),
        )

    def suffix(self, name: str) -> str:
        """The longest public suffix that a name is or is below."""
        while True:
            parent = name.partition(".")[2]
            if name in self.exceptions:
                return parent
            if name in self.exact or name in self.wild or parent in self.wild or not parent:
                return name
            name = parent

    def registered(self, name: str) -> str:
        """The registered domain that a name is or is below: a suffix and one label. Of a suffix: itself."""
        suffix = self.suffix(name)
        if len(suffix) == len(name):
            return name
        return name[name.rfind(".", 0, len(name) - len(suffix) - 1) + 1 :]

    def is_suffix(self, name: str) -> bool:
        """Whether strangers register names directly under this one."""
        return self.suffix(name) == name

    def covers(self, name: str) -> bool:
        """Whether a name with its subdomains takes in a public suffix: it is one, or one lies below."""
        return name in self.above or self.is_suffix(name)

    def are_called(self, word: str) -> bool:
        """Whether a keyword stands in the name of a suffix, and so in every URL below it."""
        return verifier(Kind.KEYWORD, word).search(self.words) is not None


def ancestors(name: str) -> Iterable[str]:
    """The parents of a name, from the nearest up to the top level."""
    while name := name.partition(".")[2]:
        yield name


def tail(name: str, labels: int = 2) -> str:
    """The last labels of a name, or all of a shorter one."""
    return ".".join(name.split(".")[-labels:])


def _canonical(name: str) -> str:
    return name if name.isascii() else canonical_host(name).name


@cache
def public_suffixes() -> SuffixRules:
    """The rules that come with the publicsuffixlist package, read at the first call."""
    from publicsuffixlist import PSLFILE  # noqa: PLC0415  not for commands that judge no list

    lines = Path(PSLFILE).read_text(encoding="utf-8").splitlines()
    rules = (line.split()[0].lower() for line in lines if line.strip() and not line.startswith("//"))
    return SuffixRules.of(rules)
