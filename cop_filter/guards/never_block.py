"""Names and networks that no list may block as a whole: the filter's own, and those that everyone needs.

A line of a file is one of

    name.example        this host; and with it every entry that would cover it (`name.example`, `example`)
    *.name.example      this host and everything below it
    192.0.2.0/24        an address or a network: no entry for an address inside
    # ...               a comment, also behind a line

Pages are not protected: an authority may list one page of a host that must never be blocked whole.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from cop_filter.config import Config
from cop_filter.entries import MAX_NETWORK, Entry, hosts_of, parse
from cop_filter.errors import ConfigError, InvalidEntry
from cop_filter.guards.suffixes import ancestors, tail
from cop_filter.keywords import verifier
from cop_filter.names import canonical_host
from cop_filter.own_hosts import own_hosts
from cop_filter.verdict import Kind

BUILTIN = Path(__file__).parent / "builtin"
OWN = "the filter's own hosts"

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: exactly one of `name` and `network` is given. `origin` says where it stands, for people."""

    origin: str
    name: str = ""
    below: bool = False
    network: Network | None = None


@dataclass(frozen=True, slots=True)
class NeverBlock:
    """What no list may block. Maps give the origin of each name."""

    hosts: Mapping[str, str]
    below: Mapping[str, str]
    """Names whose subdomains are protected with them."""
    above: Mapping[str, str]
    """Every parent, of two labels or more, of a name in `hosts` or `below`."""
    networks: tuple[tuple[Network, str], ...]
    tails: frozenset[str]
    """The last two labels of `below`: whatever ends otherwise can be protected by its own name only."""

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> "NeverBlock":
        """From rules; where two speak of one name, the first gives the origin."""
        first = list(reversed([rule for rule in rules if rule.name]))
        hosts = {rule.name: rule.origin for rule in first if not rule.below}
        below = {rule.name: rule.origin for rule in first if rule.below}
        above = {up: rule.origin for rule in first for up in ancestors(rule.name) if "." in up}
        networks = tuple((rule.network, rule.origin) for rule in rules if rule.network is not None)
        return cls(hosts, below, above, networks, frozenset(map(tail, below)))

    def origin(self, entry: Entry) -> str | None:
        """Where it is said that this entry may not be; None: it may."""
        key = entry.key
        if entry.kind is Kind.DOMAIN:
            covered = self.above.get(key) or (None if entry.only_below else self.hosts.get(key))
            return covered or self._below(key)
        if entry.kind is Kind.HOST:
            return self.hosts.get(key) or self._below(key) or self._network(key)
        return self._word(key) if entry.kind is Kind.KEYWORD else None

    def _below(self, name: str) -> str | None:
        while name:
            if origin := self.below.get(name):
                return origin
            name = name.partition(".")[2]
        return None

    def _network(self, key: str) -> str | None:
        if not (self.networks and (key[0] == "[" or key[-1].isdigit())):
            return None
        try:
            address = ip_network(key.strip("[]"))
        except ValueError:
            return None  # a name that ends in a digit
        for network, origin in self.networks:
            # Of one version, which is more than its type says.
            if network.version == address.version and network.supernet_of(address):  # type: ignore[arg-type]
                return origin
        return None

    def _word(self, word: str) -> str | None:
        """A keyword covers every URL that it stands in: also those of a host that is called so."""
        stands_in = verifier(Kind.KEYWORD, word).search
        for names in (self.hosts, self.below):
            for name, origin in names.items():
                if stands_in(name):
                    return origin
        return None


def load(config: Config) -> NeverBlock:
    """What no list of this configuration may block. Raises ConfigError naming each bad line of the files."""
    own = [Rule(OWN, entry.key) for entry in own_hosts(config) if entry.kind is Kind.HOST]
    addresses = [rule for rule in own if canonical_host(rule.name).is_address]
    networks = [Rule(OWN, network=ip_network(rule.name.strip("[]"))) for rule in addresses]
    return NeverBlock.of([*own, *networks, *_rules(config)])


def entries(config: Config) -> list[Entry]:
    """The same without the filter's own hosts, as the list of a generation that protects them.

    Networks of more than MAX_NETWORK addresses are not among them: only the guards know those.
    Raises ConfigError.
    """
    protected: dict[Entry, None] = {}
    for rule in _rules(config):
        if rule.network is None:
            protected[Entry(Kind.DOMAIN if rule.below else Kind.HOST, rule.name)] = None
        elif rule.network.num_addresses <= MAX_NETWORK:
            protected.update(dict.fromkeys(hosts_of(rule.network)))
    return list(protected)


def _rules(config: Config) -> list[Rule]:
    problems: list[str] = []
    rules = [rule for path in config.never_block.files for rule in _read(path, path.name, problems)]
    if config.never_block.builtin:
        for path in sorted(BUILTIN.glob("*.txt")):
            rules += _read(path, f"the built-in list {path.stem}", problems)
    if problems:
        raise ConfigError(problems)
    return rules


def _read(path: Path, origin: str, problems: list[str]) -> Iterator[Rule]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        problems.append(f"never_block.files: {path} cannot be read: {error.strerror}")
        return
    except UnicodeDecodeError:
        problems.append(f"never_block.files: {path} is no text in UTF-8")
        return
    for number, line in enumerate(text.splitlines(), 1):
        written = line.partition("#")[0].strip()
        if not written:
            continue
        try:
            yield _rule(written, origin)
        except InvalidEntry as reason:
            problems.append(f"{path}:{number}: {reason}")


def _rule(written: str, origin: str) -> Rule:
    try:
        return Rule(origin, network=ip_network(written.replace("[", "").replace("]", "")))
    except ValueError:
        pass
    entry = parse(written)
    if entry.kind not in (Kind.DOMAIN, Kind.HOST):
        raise InvalidEntry("it is no host: write name.example, *.name.example, or a network")
    return Rule(origin, entry.key, below=entry.only_below)
