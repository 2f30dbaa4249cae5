"""A million random queries: what the fast path answers is what the resolver answers, byte for byte.

Some clients have a profile: one profile's lists hold for them, or another's, with lists in common.
"""

import random
import struct
from collections import Counter
from ipaddress import ip_address, ip_network

import pytest
from generations import a_list, a_profile, an_exemption
from listed_names import ListedNames
from prometheus_client import CollectorRegistry

from cop_filter._native import Cookies
from cop_filter.access import AccessList
from cop_filter.events import Events
from cop_filter.oracle import OracleBudget
from cop_filter.profiles import ClientProfiles
from cop_filter.verdict import Answer as BlockAnswer
from cop_filter.verdict import LegalBasis
from dns_resolver.answers import Answers
from dns_resolver.cache import Cache
from dns_resolver.fast import FastListener, native_path
from dns_resolver.forwarder import Forwarder
from dns_resolver.message import Answer, Asked
from dns_resolver.resolver import Pending, Resolver

QUERIES, SEEDS = 100_000, range(10)
SECRET = b"sixteen bytes ok"
CLIENTS = (
    "127.0.0.1", "198.51.100.7", "2001:db8::7", "::ffff:198.51.100.9", "198.51.100.70", "2001:db8:0:5::7",
    "198.51.100.135", "::ffff:198.51.100.200",
)  # fmt: skip
PROFILES = (
    a_profile("schools", ["198.51.100.64/26", "2001:db8:0:5::/64"], ["chosen", "seen_by_some"]),
    a_profile("libraries", ["198.51.100.128/25", "203.0.113.0/24"], ["chosen", "paged"]),
)
OUTSIDE = ("203.0.113.5", "2001:db8:ffff::1")
TYPES = (1, 28, 65, 64, 16, 15, 2, 6, 255, 5, 252, 251, 41, 128, 0, 43, 46, 12345)
WORDS = ("www", "a", "mail", "x-y", "_dns", "xn--bcher-kva", "m", "deep", "0", "1")
LISTS = {
    "order": a_list("order", legal_basis=LegalBasis.ORDER),
    "national": a_list("national", answer=BlockAnswer.NXDOMAIN),
    "empty_answers": a_list("empty_answers", answer=BlockAnswer.NODATA),
    "refusing": a_list("refusing", answer=BlockAnswer.REFUSED, legal_basis=LegalBasis.SUBSCRIBER),
    "trial": a_list("trial", mode="observe"),
    "chosen": a_list("chosen", answer=BlockAnswer.NODATA, legal_basis=LegalBasis.SUBSCRIBER),
    "paged": a_list("paged", legal_basis=LegalBasis.SUBSCRIBER),
    "seen_by_some": a_list("seen_by_some", mode="observe", legal_basis=LegalBasis.SUBSCRIBER),
}
ENTRIES = {
    "order": ["bad.example", "*.below.example", "münchen.example"],
    "national": ["nx.test", "both.example", "b.a.deep.example"],
    "empty_answers": ["nodata.test", "=both.example", "https://pages.example/one"],
    "refusing": ["refused.test", "http://pages.test/two"],
    "trial": ["seen.example", "both.example"],
    "chosen": ["game.example", "below.test", "both.example"],
    "paged": ["https://game.test/level", "game.example"],
    "seen_by_some": ["good.example", "game.test"],
}
LATER = {
    **ENTRIES,
    "order": ["below.example", "fresh.example", "good.test"],
    "chosen": ["game.test", "fresh.example", "good.example"],
}
NAMES = (
    "bad.example", "below.example", "xn--mnchen-3ya.example", "nx.test", "both.example", "deep.example",
    "b.a.deep.example", "nodata.test", "pages.example", "pages.test", "refused.test", "seen.example",
    "good.test", "fresh.example", "good.example", "alias.test", "chain.test", "seen-alias.test",
    "steered-alias.test", "exempt.bad.example", "resolver.arpa", "use-application-dns.net",
    "mask.icloud.com", "example", "test", "192.0.2.200", "", "game.example", "game.test", "below.test",
    "game-alias.test", "two-aliases.test", "www.nx.test", "m.refused.test", "a.nodata.test",
)  # fmt: skip
ALIASES = {
    "alias.test": ("www.good.test", "cdn.bad.example"),
    "chain.test": ("a.good.example", "b.good.example", "good.test"),
    "seen-alias.test": ("x.seen.example",),
    "steered-alias.test": ("pages.example",),
    "game-alias.test": ("www.game.example",),
    "two-aliases.test": ("good.example", "x.below.test"),
}


class Rig:
    """Both paths over one engine, one cache and one clock."""

    def __init__(self, state_dir):
        self.now_s, self.wall_s = 1000.0, 1_800_000_000.0
        self.names = ListedNames(
            state_dir,
            *LISTS.values(),
            clock=lambda: self.wall_s,
            exemptions=(an_exemption("exempt.bad.example"),),
            profiles=PROFILES,
        )
        self.names.publish(**ENTRIES)
        networks = tuple(map(ip_network, ("127.0.0.0/8", "198.51.100.0/24", "2001:db8::/48")))
        answers = Answers(splash=(ip_address("192.0.2.80"), ip_address("2001:db8::80")),
                          steer_to=(ip_address("192.0.2.90"),), ttl_s=30)  # fmt: skip
        self.cache = Cache(1 << 22, lambda: self.now_s)
        events = Events(CollectorRegistry())
        forwarder = Forwarder([], events, timeout_s=1.0, payload_bytes=1232)
        self.cookies = Cookies(SECRET)
        self.profiles = ClientProfiles(PROFILES)
        self.resolver = Resolver(
            engine=self.names.engine,
            answers=answers,
            access=AccessList(networks),
            profiles=self.profiles,
            cache=self.cache,
            upstreams=forwarder,
            events=events,
            payload_bytes=1232,
            cookies=self.cookies,
            oracle=OracleBudget.unlimited(),
            wall_clock=lambda: self.wall_s,
        )
        self.native = native_path(
            self.cache,
            OracleBudget.unlimited(),
            clients=networks,
            profiles=self.profiles,
            cookie_secret=SECRET,
            payload_bytes=1232,
            rate_limit=0,
            rate_limit_slip=0,
            patience_s=1.0,
        )
        self.listener = FastListener(
            self.native,
            engine=self.names.engine,
            resolver=self.resolver,
            profiles=self.profiles,
            answers=answers,
            forwarder=forwarder,
            cache=self.cache,
            events=events,
            oracle=OracleBudget.unlimited(),
        )

    def fast(self, packet, client):
        outcome, answer, undecided = self.native.look(packet, ip_address(client), self.now_s, self.wall_s)
        for _ in range(4):
            if undecided is None:
                break
            self.listener.teach(undecided)
            outcome, answer, undecided = self.native.look(packet, ip_address(client), self.now_s, self.wall_s)
        return outcome, answer

    def fill_cache(self, rng):
        for name in NAMES:
            for prefix in ("", "www."):
                for qtype in (1, 28, 16, 65):
                    if rng.random() < 0.7:
                        self._keep(rng, f"{prefix}{name}".strip("."), qtype)

    def _keep(self, rng, name, qtype):
        records = rng.randrange(4)
        body = b"".join(
            struct.pack("!HHHIH", 0xC00C, qtype, 1, rng.randrange(1, 400), size) + rng.randbytes(size)
            for size in (rng.choice((4, 16, 300, 700)) for _ in range(records))
        )
        ttls, at = [], 0
        while at < len(body):
            ttl, size = struct.unpack_from("!IH", body, at + 6)
            ttls.append((at + 6, ttl))
            at += 12 + size
        answer = Answer(
            rng.choice((0, 0, 0, 3)),
            answers=records,
            body=body,
            ttls=tuple(ttls),
            lifetime_s=min((ttl for _, ttl in ttls), default=60),
            hosts=tuple(wire(host) for host in ALIASES.get(name, ())),
            ede=rng.choice(((), (), (9,))),
        )
        asked = Asked(wire(name), qtype, rng.random() < 0.5, rng.random() < 0.2)
        self.cache.put(asked, answer)


def wire(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + b"\0"


def random_name(rng):
    name = rng.choice(NAMES)
    labels = [part.encode() for part in name.split(".") if part]
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 5))):
        labels.insert(0, rng.choice(WORDS).encode())
    if rng.random() < 0.03:
        labels.insert(0, rng.choice((b"a.b", b"\xc3\xa4", b"\0", b"*", b"a b", b"xn--\xff", b"x" * 63)))
    encoded = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if rng.random() < 0.5:
        encoded = bytes(
            byte ^ 0x20 if chr(byte).isalpha() and rng.random() < 0.5 else byte for byte in encoded
        )
    return encoded


def random_opt(rng, rig, client):
    options = b""
    if rng.random() < 0.3:
        cookie = rng.randbytes(8)
        if rng.random() < 0.7:
            cookie = rig.cookies.check(cookie, client, int(rig.wall_s) - rng.randrange(5000))[1]
        options += struct.pack("!HH", 10, len(cookie)) + cookie
    if rng.random() < 0.05:
        options += struct.pack("!HH", rng.choice((8, 12, 15)), 4) + b"\0\x04ab"
    size = rng.choice((0, 100, 512, 1232, 1232, 1232, 4096, 65535))
    version = 0 if rng.random() < 0.98 else 1
    do = 0x8000 if rng.random() < 0.4 else 0
    return b"\0" + struct.pack("!HHBBHH", 41, size, 0, version, do, len(options)) + options


def random_query(rng, rig, client):
    flags = 0x0100 if rng.random() < 0.95 else 0
    flags |= rng.choice((0, 0, 0, 0x10, 0x20))
    if rng.random() < 0.02:
        flags |= rng.choice((0x8000, 0x0800, 0x2000, 0x0200, 0x0400, 0x000F))
    qtype = rng.choice(TYPES) if rng.random() < 0.7 else 1
    qclass = 1 if rng.random() < 0.98 else rng.choice((3, 255, 0))
    opt = random_opt(rng, rig, client) if rng.random() < 0.7 else b""
    packet = struct.pack("!HHHHHH", rng.getrandbits(16), flags, 1, 0, 0, bool(opt))
    packet += random_name(rng) + struct.pack("!HH", qtype, qclass) + opt
    if rng.random() < 0.01:
        packet = packet[: rng.randrange(len(packet))]
    return packet


@pytest.mark.parametrize("seed", SEEDS)
def test_what_the_fast_path_answers_is_what_the_resolver_answers(tmp_path, seed):
    rng = random.Random(seed)
    rig = Rig(tmp_path)
    outcomes = Counter()
    for number in range(QUERIES):
        if number % 5000 == 0:
            rig.fill_cache(rng)
        if number == QUERIES // 2:
            rig.names.publish(**LATER)
            rig.listener.install()
        rig.now_s += rng.random() / 100
        rig.wall_s += rng.random() / 100
        client = rng.choice(CLIENTS) if rng.random() < 0.97 else rng.choice(OUTSIDE)
        packet = random_query(rng, rig, client)
        outcome, fast = rig.fast(packet, client)
        slow = rig.resolver.begin(packet, client)
        outcomes[outcome] += 1
        outcomes[outcome, rig.profiles.of(client)] += 1
        if outcome == "answered":
            assert fast == slow, packet
        elif outcome == "silent":
            assert slow is None, packet
        elif outcome == "miss":
            assert isinstance(slow, Pending), packet
    # Else it would be nothing that agreed.
    assert outcomes["answered"] > 0.4 * QUERIES, outcomes
    assert outcomes["miss"] > 0.1 * QUERIES, outcomes
    assert all(outcomes["answered", profile.id] > 0.1 * QUERIES for profile in PROFILES), outcomes
