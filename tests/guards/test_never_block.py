"""Names and networks that no list may block whole."""

from pathlib import Path

import pytest
from generations import a_config, a_list, dns
from reviewing import guards_of, never_block, review

from cop_filter.config import Address, NeverBlockConfig
from cop_filter.entries import Entry, parse, parse_address
from cop_filter.errors import ConfigError
from cop_filter.guards import never_block as module
from cop_filter.guards.never_block import OWN, NeverBlock, Rule
from cop_filter.verdict import Kind


def written(folder: Path, text: str, **changes):
    path = folder / "ours.txt"
    path.write_text(text)
    return a_config(folder, never_block=NeverBlockConfig((path,), builtin=False), **changes)


@pytest.mark.parametrize(
    ("entry", "is_protected"),
    [
        ("name.host.example", True),
        ("=name.host.example", True),
        ("host.example", True),
        ("*.host.example", True),
        ("=host.example", False),
        ("*.name.host.example", False),
        ("www.name.host.example", False),
        ("other.host.example", False),
        ("http://name.host.example/page", False),
        ("http://name.host.example/dir/", False),
        ("all.example", True),
        ("*.all.example", True),
        ("a.b.all.example", True),
        ("=a.all.example", True),
        ("small.example", False),
        ("xall.example", False),
    ],
)
def test_a_name_protects_itself_and_a_starred_one_all_that_is_below(entry: str, is_protected: bool) -> None:
    known = never_block("name.host.example", "*.all.example")
    assert (known.origin(parse(entry)) is not None) == is_protected


def test_an_address_inside_a_protected_network_is_never_blocked(tmp_path: Path) -> None:
    known = module.load(written(tmp_path, "192.0.2.0/24\n2001:db8::/64 # ours\n"))
    for text, is_protected in (("192.0.2.9", True), ("198.51.100.1", False), ("2001:db8::7", True)):
        (entry,) = parse_address(text)
        assert (known.origin(entry) is not None) == is_protected
    report = review(["192.0.2.8/31"], protected=known, allow_addresses=True)
    assert guards_of(report) == ["never-block"]


def test_a_keyword_may_not_stand_in_a_protected_name() -> None:
    known = never_block("mail.search.example")
    assert known.origin(Entry(Kind.KEYWORD, "search")) == "a file"
    assert known.origin(Entry(Kind.KEYWORD, "sear")) is None


def test_the_filters_own_hosts_sources_and_upstreams_are_always_protected(tmp_path: Path) -> None:
    resolver = dns(upstreams=(Address("192.0.2.53", 53),))
    config = a_config(
        tmp_path,
        a_list(source="signed+https://lists.authority.example/national"),
        a_list("zone", source="axfr://zones.authority.example/rpz.example"),
        dns=resolver,
        never_block=NeverBlockConfig(builtin=False),
    )
    known = module.load(config)
    for text in ("lists.authority.example", "authority.example", "=zones.authority.example", "isp.example"):
        assert known.origin(parse(text)) == OWN
    assert known.origin(parse_address("192.0.2.53")[0]) == OWN
    assert module.entries(config) == []


def test_entries_for_a_generation_are_hosts_domains_and_small_networks(tmp_path: Path) -> None:
    config = written(tmp_path, "host.example\n*.all.example\n192.0.2.0/31\n198.51.100.0/22\nhost.example\n")
    assert module.entries(config) == [
        Entry(Kind.HOST, "host.example"),
        Entry(Kind.DOMAIN, "all.example"),
        Entry(Kind.HOST, "192.0.2.0"),
        Entry(Kind.HOST, "192.0.2.1"),
    ]


def test_every_bad_line_is_named_with_its_place(tmp_path: Path) -> None:
    config = written(
        tmp_path, "# ours\n\nok.example\nhttp://ok.example/page\ncom\n192.0.2.1/24\na b.example\n"
    )
    with pytest.raises(ConfigError) as caught:
        module.load(config)
    places = [problem.rpartition("ours.txt:")[2][:2] for problem in caught.value.problems]
    assert places == ["4:", "5:", "6:", "7:"]
    assert "it is no host" in caught.value.problems[0]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_a_mistake_of_the_configuration(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "lost.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"never_block\.files: .*lost\.txt"):
        module.entries(a_config(tmp_path, never_block=NeverBlockConfig((path,), builtin=False)))


def test_the_built_in_lists_are_whole_and_say_what_belongs_in_them(tmp_path: Path) -> None:
    known = module.load(a_config(tmp_path))
    assert len(known.hosts) + len(known.below) > 100
    assert set(known.below.values()) >= {
        f"the built-in list {name}" for name in ("popular", "helplines", "emergency")
    }
    for path in module.BUILTIN.glob("*.txt"):
        lines = path.read_text().splitlines()
        assert lines[0].startswith("# ")
        listed = [line for line in lines if line and line[0] != "#"]
        assert len(set(listed)) == len(listed)


def test_the_first_place_that_names_a_host_is_told() -> None:
    known = NeverBlock.of([Rule("first", "a.example"), Rule("second", "a.example")])
    assert known.origin(parse("a.example")) == "first"
