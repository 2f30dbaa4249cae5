"""The engine over real generations: decisions, batches, explanations, faults, and exemptions in time."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from generations import a_config, a_list, a_profile, an_exemption, dns, publish
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_lists import raw_sample

import cop_filter
from cop_filter import compiler, formats
from cop_filter.config import Address
from cop_filter.engine import Engine, Snapshot
from cop_filter.entries import Entry
from cop_filter.errors import InvalidUrl
from cop_filter.index import EmptyIndex
from cop_filter.loader import load_snapshot
from cop_filter.policy import Policy
from cop_filter.store import Store
from cop_filter.verdict import Action, Kind, LegalBasis, Plane, Query, Spelling

LISTED = [
    "bad.example",
    "=only.host.example",
    "http://pages.example/page",
    "http://pages.example/dir/",
    "http://pages.example/gallery/*/view",
    "http://pages.example/archive/*?*",
    "http://192.0.2.7/page",
]


@pytest.fixture
def engine(tmp_path):
    publish(a_config(tmp_path), national=LISTED)
    return cop_filter.open(tmp_path)


def test_before_the_first_publish_everything_valid_is_allowed(tmp_path):
    engine = cop_filter.open(tmp_path / "nothing")
    assert engine.generation == 0
    assert engine.decide_host("bad.example").action is Action.ALLOW
    with pytest.raises(InvalidUrl):
        engine.decide_url("http://")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://bad.example/any?thing", Kind.DOMAIN),
        ("https://www.BAD.example:8443/", Kind.DOMAIN),
        ("http://only.host.example/x", Kind.HOST),
        ("http://pages.example/page", Kind.URL),
        ("http://pages.example/dir/deep/er", Kind.PREFIX),
        ("http://pages.example/gallery/x/view", Kind.PATTERN),
        ("http://pages.example/archive/x?any=1", Kind.PATTERN),
        ("http://0xc0.0.0x207/page", Kind.URL),
        ("wss://pages.example/page", Kind.URL),
    ],
)
def test_what_is_listed_is_blocked_with_its_evidence(engine, url, kind):
    verdict = engine.decide_url(url)
    assert (verdict.action, verdict.kind, verdict.list_id) == (Action.BLOCK, kind, "national")
    assert (verdict.generation, verdict.authority, verdict.category) == (1, "Example Hotline", "csam")


@pytest.mark.parametrize(
    "url",
    ["http://example/", "http://notbad.example/", "http://www.only.host.example/", "http://pages.example/",
     "http://pages.example/page2", "http://pages.example/dir", "http://pages.example/gallery/x/y/view",
     "http://192.0.2.8/page"],
)  # fmt: skip
def test_nothing_else_is_blocked(engine, url):
    assert engine.decide_url(url).action is Action.ALLOW


def test_an_entry_at_url_level_never_blocks_its_host(engine):
    for plane in ("dns", "tls"):
        assert engine.decide_host("pages.example", plane).action is Action.ALLOW
        assert engine.decide_url("http://pages.example/page", plane).action is Action.ALLOW


@pytest.mark.parametrize("sample", formats.FORMATS)
def test_no_entry_at_url_level_of_any_format_blocks_on_dns(tmp_path, sample):
    raw = raw_sample(sample)
    entries = [entry for chunk in formats.parse(raw, format=sample) for entry in chunk.entries]
    at_url_level = [entry for entry in entries if entry.kind not in (Kind.DOMAIN, Kind.HOST)]
    assert entries
    # Formats that hold names only have none: they are here so that this stays true.
    assert bool(at_url_level) is (sample not in ("hosts", "rpz"))
    config = a_config(tmp_path)
    with compiler.draft(Store(tmp_path), config) as draft:
        draft.replace("national", at_url_level)
        draft.publish()
    engine = cop_filter.open(tmp_path)
    for entry in at_url_level:
        host = "any.example" if entry.kind is Kind.KEYWORD else entry.key.split("/")[0]
        assert engine.decide_host(host).action is Action.ALLOW


def test_a_host_with_pages_is_steered_where_the_proxy_stage_has_addresses(tmp_path):
    config = a_config(tmp_path, dns=dns(steer_to=("192.0.2.90",)))
    publish(config, national=LISTED)
    engine = cop_filter.open(tmp_path)
    assert engine.decide_host("pages.example").action is Action.STEER
    assert engine.decide_host("bad.example").action is Action.BLOCK
    assert engine.decide_host("other.example").action is Action.ALLOW
    assert engine.decide_host("pages.example", "tls").action is Action.ALLOW


def test_only_hosts_with_entries_at_url_level_are_inspected(engine):
    assert engine.inspects("pages.example")
    assert engine.inspects("PAGES.example.")
    assert not engine.inspects("www.pages.example")
    assert not engine.inspects("bad.example")
    with pytest.raises(InvalidUrl):
        engine.inspects("")


def test_keywords_apply_to_urls_and_to_no_host(tmp_path):
    config = a_config(tmp_path)
    with compiler.draft(Store(tmp_path), config) as draft:
        draft.replace("national", [Entry(Kind.KEYWORD, "planted")])
        draft.publish()
    engine = cop_filter.open(tmp_path)
    assert engine.decide_url("http://any.example/a-Planted-b").kind is Kind.KEYWORD
    assert engine.decide_url("http://any.example/replanted").action is Action.ALLOW
    assert engine.decide_host("planted.example").action is Action.ALLOW
    assert engine.decide_host("planted.example", "tls").action is Action.ALLOW
    assert [v.kind for v in engine.decide_urls(["http://any.example/planted"])] == [Kind.KEYWORD]


def test_a_verdict_tells_an_exact_from_a_folded_spelling(engine):
    assert engine.decide_url("http://pages.example/page").spelling is Spelling.EXACT
    assert engine.decide_url("http://pages.example/p%61ge").spelling is Spelling.FOLDED


URLS = st.sampled_from(
    ["http://bad.example/", "http://pages.example/page", "http://pages.example/other", "", "http://",
     "http://pages.example/gallery/a/view", "http://pages.example/dir/x", "//", "http://other.example/"]
)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.lists(URLS), st.sampled_from(["dns", "tls", "http"]))
def test_batches_decide_as_single_calls_do(tmp_path_factory, urls, plane):
    state = tmp_path_factory.mktemp("state")
    publish(a_config(state), national=LISTED)
    engine = cop_filter.open(state)
    for url, verdict in zip(urls, engine.decide_urls(urls, plane), strict=True):
        assert_same(verdict, engine.decide_url, url, plane)
    hosts = [url.removeprefix("http://").split("/")[0] for url in urls]
    for host, verdict in zip(hosts, engine.decide_hosts(hosts, plane), strict=True):
        assert_same(verdict, engine.decide_host, host, plane)


def assert_same(verdict, decide, word, plane):
    if isinstance(verdict, InvalidUrl):
        with pytest.raises(InvalidUrl, match=str(verdict)):
            decide(word, plane)
    else:
        assert decide(word, plane) == verdict


def test_decide_takes_a_query_of_either_shape(engine):
    assert engine.decide(Query(Plane.DNS, "bad.example")).action is Action.BLOCK
    assert engine.decide(Query(Plane.HTTP, "pages.example", "http://pages.example/page")).kind is Kind.URL
    assert engine.decide(Query(Plane.TLS, "pages.example")).action is Action.ALLOW


def test_an_explanation_adds_a_reference_that_is_stable_across_generations(tmp_path):
    config = a_config(tmp_path)
    publish(config, national=LISTED)
    engine = cop_filter.open(tmp_path)
    queries = [
        Query(Plane.HTTP, "", "http://pages.example/page"),
        Query(Plane.HTTP, "", "http://pages.example/gallery/q/view"),
        Query(Plane.DNS, "www.bad.example"),
        Query(Plane.TLS, "", "http://bad.example/x"),
    ]
    before = [engine.explain(query).reference for query in queries]
    assert None not in before
    assert len(set(before)) == 3
    publish(config, national=["new.example", *LISTED])
    engine.swap(load_snapshot(Store(tmp_path), 2))
    assert [engine.explain(query).reference for query in queries] == before
    assert engine.explain(Query(Plane.DNS, "other.example")).reference is None


def test_an_unknown_plane_is_a_mistake_of_the_caller(engine):
    with pytest.raises(KeyError):
        engine.decide_host("bad.example", "smtp")


def test_an_exemption_allows_until_the_end_of_its_last_day(tmp_path):
    config = a_config(tmp_path, exemptions=(an_exemption("=www.bad.example", date(2026, 11, 30)),))
    publish(config, national=LISTED)
    now = [datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC).timestamp()]
    engine = Engine(load_snapshot(Store(tmp_path), 1), clock=lambda: now[0])
    assert engine.decide_host("www.bad.example").action is Action.ALLOW
    assert engine.decide_host("bad.example").action is Action.BLOCK
    now[0] += 1
    assert engine.decide_host("www.bad.example").action is Action.BLOCK


def test_an_exemption_outlives_a_clock_that_ran_ahead_for_a_while(tmp_path):
    config = a_config(tmp_path, exemptions=(an_exemption("=www.bad.example", date(2026, 11, 30)),))
    publish(config, national=LISTED)
    now = [datetime(2031, 1, 1, tzinfo=UTC).timestamp()]
    engine = Engine(load_snapshot(Store(tmp_path), 1), clock=lambda: now[0])
    assert engine.decide_host("www.bad.example").action is Action.BLOCK
    now[0] = datetime(2026, 1, 2, tzinfo=UTC).timestamp()
    assert engine.decide_host("www.bad.example").action is Action.ALLOW
    now[0] = 0.0
    assert engine.decide_host("www.bad.example").action is Action.ALLOW
    now[0] = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    assert engine.decide_host("www.bad.example").action is Action.BLOCK


def test_the_hosts_that_the_filter_needs_can_never_be_blocked(tmp_path):
    config = a_config(tmp_path, dns=dns(upstreams=(Address("192.0.2.53", 53),), steer_to=("192.0.2.90",)))
    needed = ("lists.authority.example", "isp.example", "hotline.example")
    pages = [f"http://{host}/page" for host in needed]
    publish(config, national=["authority.example", "isp.example", "hotline.example", *pages])
    engine = cop_filter.open(tmp_path)
    for host in needed:
        for plane in Plane:
            assert engine.decide_host(host, plane).action is Action.ALLOW
        assert engine.decide_url(f"http://{host}/other").action is Action.ALLOW
    assert engine.decide_host("other.authority.example").action is Action.BLOCK


def test_a_page_on_a_host_that_the_filter_needs_is_blocked_like_any_other(tmp_path):
    config = a_config(tmp_path, a_list(source="http://192.0.2.7:8000/lists/urls.txt"))
    publish(config, national=["http://192.0.2.7/page", "http://192.0.2.7/lists/"])
    engine = cop_filter.open(tmp_path)
    assert engine.decide_url("http://192.0.2.7/page").action is Action.BLOCK
    assert engine.inspects("192.0.2.7")
    assert engine.decide_url("http://192.0.2.7/other").action is Action.ALLOW
    assert engine.decide_url("http://192.0.2.7:8000/lists/urls.txt").list_id == "own-hosts"
    assert engine.decide_url("http://192.0.2.7:8000/lists/other.txt").action is Action.BLOCK


class BrokenIndex(EmptyIndex):
    """Fails as a bug would."""

    def match_host(self, *asked):
        raise RuntimeError("a bug")

    match_url = match_url_host = match_hosts = match_urls = match_host


@pytest.mark.parametrize(("on_failure", "action"), [("closed", Action.BLOCK), ("open", Action.ALLOW)])
def test_a_fault_in_deciding_applies_the_declared_fail_policy_and_is_counted(on_failure, action):
    told = []
    policy = Policy([compiler.list_policy(a_list(on_failure=on_failure))], steering=False, generation=3)
    engine = Engine(Snapshot(BrokenIndex(), policy), on_fault=told.append)
    assert engine.decide_host("any.example").action is action
    assert engine.decide_url("http://any.example/").action is action
    assert [verdict.action for verdict in engine.decide_hosts(["any.example"])] == [action]
    assert [verdict.action for verdict in engine.decide_urls(["http://any.example/"])] == [action]
    assert engine.inspects("any.example") is (action is Action.BLOCK)
    assert engine.faults == len(told) == 5
    assert told[:2] == [Plane.DNS, Plane.HTTP]


def test_a_fault_in_the_policy_is_no_invalid_question():
    class BrokenPolicy(Policy):
        def resolve(self, codes, plane, now):
            raise ValueError("a bug that looks like bad input")

    class HitIndex(EmptyIndex):
        def match_host(self, host):
            return 0

    policy = BrokenPolicy([compiler.list_policy(a_list())], steering=False, generation=3)
    engine = Engine(Snapshot(HitIndex(), policy))
    assert engine.decide_host("any.example").action is Action.BLOCK
    assert engine.faults == 1


@pytest.fixture
def choosing(tmp_path):
    """An engine where `games` holds for schools alone; and its configuration."""
    games = a_list("games", legal_basis=LegalBasis.SUBSCRIBER)
    schools = a_profile("schools", ["198.51.100.0/24"], ["games"])
    config = a_config(tmp_path, a_list(), games, profiles=(schools,), dns=dns(steer_to=("192.0.2.90",)))
    publish(config, national=["bad.example"], games=["game.example", "http://pages.example/game"])
    return cop_filter.open(tmp_path), config


def test_a_list_of_a_profile_holds_for_its_clients_alone_whatever_is_asked(choosing):
    engine, _ = choosing
    page = "http://pages.example/game"
    for _ in range(2):  # worked out, and remembered
        for profile, action, on_dns in (
            ("schools", Action.BLOCK, Action.STEER),
            (None, Action.ALLOW, Action.ALLOW),
            ("unknown", Action.ALLOW, Action.ALLOW),
        ):
            assert engine.decide_host("www.game.example", profile=profile).action is action
            assert engine.decide_host("game.example", "tls", profile).action is action
            assert engine.decide_host("pages.example", "dns", profile).action is on_dns
            assert engine.decide_url(page, "http", profile).action is action
            assert engine.decide_hosts(["game.example"], profile=profile)[0].action is action
            assert engine.decide_urls([page], profile=profile)[0].action is action
            assert engine.decide(Query(Plane.HTTP, "", page, profile)).action is action
            assert engine.inspects("pages.example", profile) is (profile == "schools")
            explained = engine.explain(Query(Plane.DNS, "game.example", profile=profile))
            assert (explained.action, explained.reference is None) == (action, profile != "schools")
            found = engine.index.match_host("game.example")
            assert engine.decide_codes(found, profile=profile).action is action


def test_what_holds_for_everybody_holds_for_every_profile(choosing):
    engine, _ = choosing
    for profile in (None, "schools", "unknown"):
        assert engine.decide_host("bad.example", profile=profile).list_id == "national"


def test_profiles_are_known_by_their_ids_however_a_generation_orders_them(choosing):
    engine, config = choosing
    pupils = a_profile("pupils", ["203.0.113.0/24"], ["games"])
    number = publish(replace(config, profiles=(pupils, *config.profiles)))
    engine.swap(load_snapshot(Store(config.state_dir), number))
    assert engine.decide_host("game.example", profile="schools").action is Action.BLOCK
    assert engine.decide_host("game.example", profile="pupils").action is Action.BLOCK
    number = publish(replace(config, profiles=()))
    engine.swap(load_snapshot(Store(config.state_dir), number))
    for profile in ("schools", "pupils", None):
        assert engine.decide_host("game.example", profile=profile).action is Action.BLOCK


def test_a_fault_is_answered_by_a_list_that_holds_for_the_client(choosing):
    engine, config = choosing
    index = EmptyIndex()
    index.match_host = None
    number = publish(replace(config, lists=config.lists[1:]))
    engine.swap(replace(load_snapshot(Store(config.state_dir), number), index=index))
    assert engine.decide_host("any.example", profile="schools").list_id == "games"
    assert engine.decide_host("any.example").action is Action.ALLOW
