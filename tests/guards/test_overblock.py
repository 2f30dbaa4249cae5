"""New entries proven on the compiled index: their own spellings are stopped, and nothing beside them is."""

from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import pytest
from generations import a_config, a_list, a_profile, an_exemption, dns, publish
from hypothesis import given, settings
from hypothesis import strategies as st

from cop_filter import compiler
from cop_filter.config import Config
from cop_filter.engine import Engine, Snapshot
from cop_filter.entries import Entry, parse, parse_address
from cop_filter.guards.overblock import prove
from cop_filter.guards.probes import PROBES, record_kind
from cop_filter.index import Matcher, RecordKind, code
from cop_filter.loader import open_engine
from cop_filter.policy import Policy
from cop_filter.store import Store
from cop_filter.verdict import Kind, Plane

EVERY_KIND = [
    "bad.example",
    "*.below.example",
    "=www.exact.example",
    "http://pages.example/dir/page.html",
    "http://pages.example/dir/page.html?id=1&b=%2F",
    "http://pages.example/any?*",
    "http://pages.example/",
    "http://pages.example/whole/dir/",
    "http://pages.example/page/?",
    "http://pages.example/a/*/c-*.html",
    "http://192.0.2.1/page",
    "http://[2001:db8::1]/dir/",
    "http://PAGES.example/%7Euser//x",
]


def an_engine(config: Config, **entries: Iterable[str]) -> Engine:
    publish(config, **entries)
    return open_engine(Store(config.state_dir))


def parsed(texts: Iterable[str]) -> list[Entry]:
    return [parse(text) for text in texts]


def test_every_kind_of_entry_is_proven(tmp_path: Path) -> None:
    engine = an_engine(a_config(tmp_path), national=EVERY_KIND)
    assert prove(engine, "national", parsed(EVERY_KIND), before=Engine()) == ()


def test_entries_that_cover_one_another_are_proven_each_for_itself(tmp_path: Path) -> None:
    nested = [
        "a.example", "b.a.example", "c.b.a.example", "*.b.a.example", "=b.a.example", "http://a.example/d/",
        "http://a.example/d/e/", "http://a.example/d/e/f", "http://a.example/d/e/f?*", "http://b.a.example/",
    ]  # fmt: skip
    engine = an_engine(a_config(tmp_path), national=nested)
    assert prove(engine, "national", parsed(nested), before=Engine()) == ()


def test_addresses_and_keywords_are_proven(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    entries = [*parse_address("192.0.2.7"), *parse_address("2001:db8::7"), Entry(Kind.KEYWORD, "badword")]
    with compiler.draft(Store(config.state_dir), config) as draft:
        draft.replace("national", entries)
        draft.publish()
    assert prove(open_engine(Store(config.state_dir)), "national", entries) == ()


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
HOST = st.builds(lambda labels: ".".join([*labels, "example"]), st.lists(LABEL, min_size=1, max_size=4))
SEGMENT = st.text(st.characters(codec="utf-8", exclude_characters="*"), max_size=6)
PATH = st.lists(SEGMENT, max_size=4).map("/".join)
TEXT = st.one_of(
    HOST,
    HOST.map("*.{}".format),
    HOST.map("={}".format),
    st.builds("http://{}/{}{}".format, HOST, PATH, st.sampled_from(["", "/", "?", "?*", "?q=1"])),
)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXT, min_size=1, max_size=12))
def test_whatever_can_be_listed_can_be_proven(texts: list[str], tmp_path_factory) -> None:
    entries = []
    for text in texts:
        try:
            entries.append(parse(text))
        except ValueError:
            continue
    config = a_config(tmp_path_factory.mktemp("state"))
    with compiler.draft(Store(config.state_dir), config) as draft:
        draft.replace("national", entries)
        draft.publish()
    assert prove(open_engine(Store(config.state_dir)), "national", entries, before=Engine()) == ()


# ---------------------------------------------------------------- what is found


class Wrong:
    """A matcher with a mistake: `change` makes the evidence for a word from the right one."""

    def __init__(self, right: Matcher, change: Callable[[str, list, Matcher], list]) -> None:
        self._right = right
        self._change = change

    def explain_host(self, host):
        return self._change(host, self._right.explain_host(host), self._right)

    def explain_url(self, url):
        return self._change(url, self._right.explain_url(url), self._right)

    def match_host(self, host):
        return tuple(value for value, _ in self.explain_host(host)) or None

    def match_url(self, url):
        return tuple(value for value, _ in self.explain_url(url)) or None

    match_url_host = match_url

    def which_hosts(self, hosts, resolve):
        return [resolve(answer(self.match_host, host)) for host in hosts]

    def which_urls(self, urls, resolve):
        return [resolve(answer(self.match_url, url)) for url in urls]

    match_hosts = which_hosts
    match_urls = which_urls


def answer(match: Callable[[str], object], word: str) -> object:
    try:
        return match(word)
    except ValueError as reason:
        return str(reason)


def a_wrong_engine(engine: Engine, change: Callable[[str, list, Matcher], list]) -> Engine:
    return Engine(Snapshot(Wrong(engine.index, change), engine.policy))


def test_wayback_machine_2009_a_listed_page_must_not_take_its_archive_with_it(tmp_path: Path) -> None:
    page = "http://web.archive.example/web/2009/page"
    right = an_engine(a_config(tmp_path), national=[page])
    assert prove(right, "national", [parse(page)]) == ()

    def whole_host_by_page(word, evidence, index):
        return index.explain_url(page) if "/" in word and "web.archive.example" in word else evidence

    (finding,) = prove(a_wrong_engine(right, whole_host_by_page), "national", [parse(page)])
    assert finding.guard == "overblock"
    assert "another page of its host (1)" in finding.reason
    assert "a page beside it (1)" in finding.reason
    assert "archive" not in finding.reason


def test_wikipedia_2008_a_listed_page_must_not_become_a_block_of_its_host(tmp_path: Path) -> None:
    page = "http://en.encyclopedia.example/wiki/Page"
    right = an_engine(a_config(tmp_path), national=[page])

    def as_host(word, evidence, index):
        whole = [(code(0, RecordKind.HOST, folded=False), 7)]
        return whole + evidence if word.startswith("en.") else evidence

    wrong = a_wrong_engine(right, as_host)
    (finding,) = prove(wrong, "national", [parse(page)], before=Engine())
    assert "the whole host of a page (1)" in finding.reason
    assert prove(wrong, "national", [parse(page)], before=wrong) == (), "the list blocked it whole before"
    listed = [parse(page), parse("encyclopedia.example")]
    engine = an_engine(a_config(tmp_path), national=[page, "encyclopedia.example"])
    assert prove(engine, "national", listed, before=Engine()) == ()


@pytest.mark.parametrize("listed", [text for text in EVERY_KIND if "*/" not in text])
def test_an_entry_that_covers_everything_is_found_whatever_its_kind(tmp_path: Path, listed: str) -> None:
    entry = parse(listed)
    right = an_engine(a_config(tmp_path), national=[listed])
    everything = [(code(0, record_kind(entry), folded=False), 7)]
    (finding,) = prove(a_wrong_engine(right, lambda *_: everything), "national", [entry])
    assert finding.guard == "overblock"
    beside = {probe.name for probe in PROBES[record_kind(entry)] if not probe.own}
    if "/[" in listed or "/192" in listed:
        beside -= {"another host"}  # an address has no neighbours in the name space
    assert all(f"{name} (1)" in finding.reason for name in beside)


def test_an_entry_that_is_not_there_is_missed_in_all_its_spellings(tmp_path: Path) -> None:
    engine = an_engine(a_config(tmp_path), national=["other.example"])
    (finding,) = prove(engine, "national", parsed(EVERY_KIND))
    assert finding.guard == "spellings"
    assert finding.reason.startswith("of 13 new entries, some are not stopped in all their spellings: ")
    assert "example" not in finding.reason


def test_a_spelling_that_passes_is_told(tmp_path: Path) -> None:
    right = an_engine(a_config(tmp_path), national=["bad.example"])

    def only_lower_case(word, evidence, _):
        return evidence if word == word.lower() else []

    (finding,) = prove(a_wrong_engine(right, only_lower_case), "national", parsed(["bad.example"]))
    assert "in capitals, with a dot at the end (1), as a URL with port and escapes (1)" in finding.reason


# ---------------------------------------------------------------- what is no fault of the entry


def test_what_is_exempt_or_protected_stays_allowed_and_is_no_finding(tmp_path: Path, caplog) -> None:
    config = a_config(tmp_path, exemptions=(an_exemption("spared.example"),))
    listed = ["spared.example", "isp.example", "http://spared.example/page"]
    with caplog.at_level("INFO", "cop_filter.guards"):
        assert prove(an_engine(config, national=listed), "national", parsed(listed)) == ()
    assert "stay allowed, being exempt or protected: " in caplog.text
    assert "spared" not in caplog.text


@pytest.mark.parametrize(
    "changes",
    [{"mode": "observe"}, {"planes": (Plane.DNS,)}, {"planes": (Plane.HTTP,)}],
)
def test_lists_that_only_observe_or_miss_a_plane_are_proven(tmp_path: Path, changes: dict) -> None:
    config = a_config(tmp_path, a_list(**changes), dns=dns(steer_to=("192.0.2.9",)))
    assert prove(an_engine(config, national=EVERY_KIND), "national", parsed(EVERY_KIND)) == ()


def test_the_list_of_a_profile_is_proven(tmp_path: Path) -> None:
    config = a_config(tmp_path, profiles=(a_profile("young", ["192.0.2.0/24"], ["national"]),))
    assert prove(an_engine(config, national=EVERY_KIND), "national", parsed(EVERY_KIND)) == ()


def test_a_second_list_with_the_same_entries_is_proven(tmp_path: Path) -> None:
    config = a_config(tmp_path, a_list(), a_list("second"))
    engine = an_engine(config, national=EVERY_KIND, second=[*EVERY_KIND, "example.example"])
    assert prove(engine, "second", parsed(EVERY_KIND)) == ()


def test_labels_come_from_the_given_source_of_randomness(tmp_path: Path) -> None:
    right = an_engine(a_config(tmp_path), national=["bad.example"])
    asked: list[str] = []

    def listen(word, evidence, _):
        asked.append(word)
        return evidence

    for seed in (1, 1, 2):
        prove(a_wrong_engine(right, listen), "national", parsed(["bad.example"]), rng=Random(seed))
    third = len(asked) // 3
    assert asked[:third] == asked[third : 2 * third] != asked[2 * third :]


def test_a_list_that_the_generation_lacks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="national"):
        prove(Engine(Snapshot(Wrong, Policy((), steering=False, generation=1))), "national", [])  # type: ignore[arg-type]


def test_an_author_who_lists_nearly_every_first_letter_of_a_hosts_pages_is_found(tmp_path: Path) -> None:
    letters = [f"http://h.example/{letter}*" for letter in "abcdefghijklmnoqrstuvwxyz0123456789"]
    engine = an_engine(a_config(tmp_path), national=letters)
    found = [prove(engine, "national", parsed(letters), rng=Random(seed)) for seed in range(8)]
    assert sum(map(bool, found)) >= 6
