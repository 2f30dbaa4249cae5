"""What a match means: planes, order of lists, dry run, exemptions, steering, fail policy."""

from cop_filter.index import RecordKind, code
from cop_filter.policy import ListPolicy, Policy, ProfilePolicy
from cop_filter.verdict import Action, Kind, LegalBasis, Plane, Spelling

ALL = tuple(Plane)


def a_policy(list_id, **changes):
    fields = {
        "id": list_id,
        "authority": "A",
        "category": "c",
        "legal_basis": LegalBasis.MEMBERSHIP,
        "planes": ALL,
    }
    return ListPolicy(**{**fields, **changes})


def resolve(lists, *matches, plane=Plane.HTTP, steering=False, now=0.0):
    codes = [code(number, kind, folded=False) for number, kind in matches]
    return Policy(lists, steering=steering, generation=7).resolve(codes, plane, now)


def test_a_match_on_a_plane_of_its_list_blocks_with_its_evidence():
    place, verdict = resolve([a_policy("national")], (0, RecordKind.DOMAIN), plane=Plane.DNS)
    assert place == 0
    assert (verdict.action, verdict.list_id, verdict.kind) == (Action.BLOCK, "national", Kind.DOMAIN)
    assert (verdict.generation, verdict.spelling) == (7, Spelling.EXACT)


def test_a_match_on_another_plane_is_allowed():
    lists = [a_policy("national", planes=(Plane.HTTP,))]
    place, verdict = resolve(lists, (0, RecordKind.DOMAIN), plane=Plane.DNS)
    assert (place, verdict.action) == (None, Action.ALLOW)


def test_the_most_specific_entry_of_equal_lists_decides():
    lists = [a_policy("a"), a_policy("b")]
    place, verdict = resolve(lists, (1, RecordKind.URL), (0, RecordKind.DOMAIN))
    assert (place, verdict.list_id) == (0, "b")


def test_an_authoritys_list_outranks_a_subscribers():
    lists = [
        a_policy("mine", legal_basis=LegalBasis.SUBSCRIBER),
        a_policy("order", legal_basis=LegalBasis.ORDER),
    ]
    place, verdict = resolve(lists, (0, RecordKind.URL), (1, RecordKind.DOMAIN))
    assert (place, verdict.list_id) == (1, "order")


def test_a_dry_run_is_observed():
    _, verdict = resolve([a_policy("trial", mode="observe")], (0, RecordKind.DOMAIN))
    assert verdict.action is Action.OBSERVE


def test_a_dry_run_never_shields_from_a_list_in_force():
    lists = [a_policy("trial", mode="observe"), a_policy("national")]
    _, verdict = resolve(lists, (0, RecordKind.URL), (1, RecordKind.DOMAIN))
    assert (verdict.action, verdict.list_id) == (Action.BLOCK, "national")


def test_an_exemption_in_force_allows_whatever_else_matches():
    lists = [a_policy("national"), a_policy("exemption-1", mode="exempt", until=100.0)]
    _, verdict = resolve(lists, (0, RecordKind.URL), (1, RecordKind.DOMAIN), now=99.9)
    assert (verdict.action, verdict.list_id) == (Action.ALLOW, "exemption-1")


def test_an_expired_exemption_allows_nothing():
    lists = [a_policy("national"), a_policy("exemption-1", mode="exempt", until=100.0)]
    _, verdict = resolve(lists, (0, RecordKind.URL), (1, RecordKind.DOMAIN), now=100.0)
    assert verdict.action is Action.BLOCK


def test_a_protected_host_is_allowed_as_a_host_and_not_steered():
    lists = [a_policy("national"), a_policy("own-hosts", mode="protect")]
    matches = [(0, RecordKind.PAGES), (1, RecordKind.HOST), (0, RecordKind.DOMAIN)]
    _, verdict = resolve(lists, *matches, plane=Plane.DNS, steering=True)
    assert (verdict.action, verdict.list_id) == (Action.ALLOW, "own-hosts")


def test_a_page_on_a_protected_host_is_blocked_by_its_own_entry_only():
    lists = [a_policy("national"), a_policy("own-hosts", mode="protect")]
    _, verdict = resolve(lists, (0, RecordKind.URL), (1, RecordKind.HOST), (0, RecordKind.DOMAIN))
    assert (verdict.action, verdict.kind) == (Action.BLOCK, Kind.URL)


def test_a_protected_url_is_allowed_whatever_else_matches():
    lists = [a_policy("national"), a_policy("own-hosts", mode="protect")]
    _, verdict = resolve(lists, (1, RecordKind.URL), (0, RecordKind.PREFIX), (0, RecordKind.DOMAIN))
    assert (verdict.action, verdict.list_id) == (Action.ALLOW, "own-hosts")


def test_a_host_with_pages_is_steered_on_dns_where_there_is_a_proxy_stage():
    _, verdict = resolve([a_policy("national")], (0, RecordKind.PAGES), plane=Plane.DNS, steering=True)
    assert (verdict.action, verdict.kind) == (Action.STEER, Kind.URL)


def test_a_host_with_pages_is_allowed_on_dns_without_a_proxy_stage():
    _, verdict = resolve([a_policy("national")], (0, RecordKind.PAGES), plane=Plane.DNS)
    assert verdict.action is Action.ALLOW


def test_a_listed_domain_is_blocked_and_not_steered():
    matches = [(0, RecordKind.PAGES), (0, RecordKind.DOMAIN)]
    _, verdict = resolve([a_policy("national")], *matches, plane=Plane.DNS, steering=True)
    assert verdict.action is Action.BLOCK


def test_a_dry_run_of_a_domain_does_not_keep_its_pages_from_being_steered():
    lists = [a_policy("national"), a_policy("trial", mode="observe")]
    matches = [(0, RecordKind.PAGES), (1, RecordKind.DOMAIN)]
    _, verdict = resolve(lists, *matches, plane=Plane.DNS, steering=True)
    assert verdict.action is Action.STEER


def test_a_dry_run_steers_nobody():
    lists = [a_policy("trial", mode="observe")]
    _, verdict = resolve(lists, (0, RecordKind.PAGES), plane=Plane.DNS, steering=True)
    assert verdict.action is Action.ALLOW


def test_hosts_with_pages_of_a_dry_run_are_inspected_to_be_counted():
    policy = Policy([a_policy("trial", mode="observe")], steering=False, generation=1)
    assert policy.inspects([code(0, RecordKind.PAGES, folded=False)], now=0)


def test_hosts_with_pages_on_no_http_plane_are_not_inspected():
    policy = Policy([a_policy("national", planes=(Plane.DNS,))], steering=False, generation=1)
    assert not policy.inspects([code(0, RecordKind.PAGES, folded=False)], now=0)


def test_an_exempt_host_is_not_inspected_until_its_exemption_ends():
    lists = [a_policy("exemption-1", mode="exempt", until=100.0), a_policy("national")]
    policy = Policy(lists, steering=False, generation=1)
    pages = code(1, RecordKind.PAGES, folded=False)
    for kind in (RecordKind.HOST, RecordKind.DOMAIN):
        exempt = code(0, kind, folded=False)
        assert not policy.inspects([exempt, pages], now=99)
        assert policy.inspects([exempt, pages], now=100)
    assert policy.inspects([code(0, RecordKind.PAGES, folded=False), pages], now=99)


def test_a_fault_blocks_where_an_enforced_list_is_declared_closed():
    lists = [a_policy("open", on_failure="open"), a_policy("closed")]
    verdict = Policy(lists, steering=False, generation=1).on_fault(Plane.HTTP)
    assert (verdict.action, verdict.list_id, verdict.kind) == (Action.BLOCK, "closed", None)


def test_a_fault_allows_where_all_lists_are_open_or_dry_runs_or_elsewhere():
    lists = [
        a_policy("open", on_failure="open"),
        a_policy("trial", mode="observe"),
        a_policy("dns", planes=(Plane.DNS,)),
    ]
    assert Policy(lists, steering=False, generation=1).on_fault(Plane.HTTP).action is Action.ALLOW


CHOICES = [
    a_policy("order", legal_basis=LegalBasis.ORDER),
    a_policy("games", legal_basis=LegalBasis.SUBSCRIBER),
    a_policy("shops", legal_basis=LegalBasis.SUBSCRIBER),
    a_policy("anyone", legal_basis=LegalBasis.SUBSCRIBER),
]
PROFILES = (ProfilePolicy("schools", ("games", "shops")), ProfilePolicy("libraries", ("games",)))


def by_profile(number, kind=RecordKind.DOMAIN, lists=CHOICES):
    policy = Policy(lists, steering=True, generation=7, profiles=PROFILES)
    return {
        profile: policy.resolve([code(number, kind, folded=False)], Plane.DNS, 0.0, profile)[1].action
        for profile in ("schools", "libraries", "unknown", None)
    }


def test_a_list_that_profiles_name_holds_for_their_clients_and_for_nobody_else():
    block, allow = Action.BLOCK, Action.ALLOW
    assert by_profile(1) == {"schools": block, "libraries": block, "unknown": allow, None: allow}
    assert by_profile(2) == {"schools": block, "libraries": allow, "unknown": allow, None: allow}


def test_a_list_that_no_profile_names_holds_for_everybody_even_for_unknown_profiles():
    for number in (0, 3):
        assert set(by_profile(number).values()) == {Action.BLOCK}


def test_the_match_of_a_list_that_does_not_hold_neither_decides_nor_shifts_the_evidence():
    policy = Policy(CHOICES, steering=False, generation=7, profiles=PROFILES)
    codes = [code(number, RecordKind.DOMAIN, folded=False) for number in (2, 3)]
    place, verdict = policy.resolve(codes, Plane.DNS, 0.0, "libraries")
    assert (place, verdict.list_id) == (1, "anyone")
    place, verdict = policy.resolve(codes, Plane.DNS, 0.0, "schools")
    assert (place, verdict.list_id) == (0, "shops")


def test_pages_of_a_list_are_steered_and_inspected_for_whom_it_holds():
    steer, allow = Action.STEER, Action.ALLOW
    assert by_profile(2, RecordKind.PAGES) == {
        "schools": steer,
        "libraries": allow,
        "unknown": allow,
        None: allow,
    }
    policy = Policy(CHOICES, steering=False, generation=7, profiles=PROFILES)
    pages = [code(2, RecordKind.PAGES, folded=False)]
    assert policy.inspects(pages, 0.0, "schools")
    assert not policy.inspects(pages, 0.0, "libraries")
    assert not policy.inspects(pages, 0.0)


def test_a_fault_blocks_by_a_list_that_holds_for_the_client():
    lists = [a_policy("games", legal_basis=LegalBasis.SUBSCRIBER)]
    policy = Policy(lists, steering=False, generation=1, profiles=PROFILES)
    assert policy.on_fault(Plane.DNS, "schools").list_id == "games"
    assert policy.on_fault(Plane.DNS).action is Action.ALLOW


def test_a_profile_may_name_a_list_that_this_generation_does_not_hold():
    assert by_profile(0, lists=CHOICES[:1])["schools"] is Action.BLOCK
