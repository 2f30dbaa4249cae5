"""People decide from another machine by a signed statement, and it counts as their key here would."""

from dataclasses import replace
from pathlib import Path

import pytest
from generations import a_list
from quarantine_wards import (
    ANN_KEY,
    BEN_KEY,
    EVE_KEY,
    PLANTED,
    TWO_PEOPLE,
    Site,
    report,
)

from cop_filter.cli.quarantine_text import details
from cop_filter.decision import Decision, Verb
from cop_filter.errors import QuarantineRefused, SignatureRefused
from cop_filter.guards import Finding
from cop_filter.quarantine.hearing import FUTURE_S, REVEAL_S
from cop_filter.signing import SigningKey

DIGEST = "0a" * 32


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def signed(site: Site, item: str, name: str, key: SigningKey, verb: Verb = "approve") -> bytes:
    """What a person brings back from their own machine."""
    return Decision.read(site.quarantine().statement(item, verb, name)).signed(key)


def refused(site: Site, item: str, document: bytes) -> str:
    with pytest.raises(SignatureRefused) as error:
        site.quarantine().approve(item, document, "root")
    assert site.quarantine().standing(item).approved_by == ()
    assert "quarantine_approved" not in site.events()
    return str(error.value)


def test_two_people_release_a_version_with_statements_that_they_signed_elsewhere(site: Site) -> None:
    item = site.keep()
    of_ann, of_ben = signed(site, item, "ann", ANN_KEY), signed(site, item, "ben", BEN_KEY)
    site.clock.now += 86400
    assert site.quarantine().approve(item, of_ben, "root").approved_by == ("ben",)
    assert not site.quarantine().released("national", DIGEST)
    assert site.quarantine().approve(item, of_ann, "root").state == "released"
    assert site.quarantine().released("national", DIGEST)
    assert [(one.event, one.facts.get("by")) for one in site.told()[2:]] == [
        ("quarantine_approved", "ben"),
        ("quarantine_approved", "ann"),
        ("quarantine_released", None),
    ]


def test_one_here_and_one_elsewhere_are_two_and_the_same_person_twice_is_one(site: Site) -> None:
    item = site.keep()
    document = signed(site, item, "ann", ANN_KEY)
    for _ in range(2):
        site.quarantine().approve(item, document, "root")
    assert site.quarantine().approve(item, ANN_KEY, "root").approved_by == ("ann",)
    assert site.quarantine().approve(item, BEN_KEY, "root").state == "released"


def test_a_statement_tells_nothing_that_is_an_entry(site: Site) -> None:
    document = site.quarantine().statement(site.keep(), "approve", "ann")
    assert b"planted" in PLANTED
    assert b"planted" not in document


def test_a_reason_that_commands_terminals_or_never_ends_is_shown_as_one_line_and_can_be_decided(
    site: Site,
) -> None:
    hostile = "a\x1b[2J\u202eb\nlist trial\ud800" + "\N{GRINNING FACE}" * 10_000
    told = replace(report(), findings=(Finding("bad-lines", hostile), Finding("rollout", hostile)))
    item = site.quarantine().keep(site.config.lists[0], told, DIGEST, {"": PLANTED})
    document = signed(site, item, "ann", ANN_KEY)
    (first, _) = Decision.read(document).version.report["findings"]
    assert first["reason"].startswith(r"a\x1b[2J\u202eb\nlist trial\ud800")
    assert first["reason"] in details(site.quarantine().standing(item)).splitlines()[-2]
    assert site.quarantine().approve(item, document, "root").approved_by == ("ann",)
    assert site.quarantine().approve(item, BEN_KEY, "root").state == "released"


def test_a_statement_is_written_for_who_may_decide_and_the_choices_are_told(site: Site) -> None:
    item = site.keep()
    for verb in ("approve", "reject"):
        with pytest.raises(QuarantineRefused, match="versions of list national: ann, ben"):
            site.quarantine().statement(item, verb, "eve")
    with pytest.raises(QuarantineRefused, match=r"see entries \(rights\.reveal\): eve"):
        site.quarantine().statement(item, "reveal", "ann")


def test_without_approvers_there_is_nothing_to_sign(tmp_path: Path) -> None:
    site = Site(tmp_path, a_list())
    item = site.keep()
    with pytest.raises(QuarantineRefused, match="has no approvers"):
        site.quarantine().statement(item, "approve", "ann")
    document = Decision("approve", site.quarantine().item(item).version_shown, "ann", 2**33).signed(ANN_KEY)
    for decide in (site.quarantine().approve, site.quarantine().reject):
        with pytest.raises(QuarantineRefused, match="has no approvers"):
            decide(item, document, "root")


def test_of_a_list_that_is_configured_no_more_nothing_is_decided(site: Site) -> None:
    item = site.keep()
    without = site.quarantine(replace(site.config, lists=()))
    with pytest.raises(QuarantineRefused, match="not configured any more"):
        without.statement(item, "approve", "ann")
    for proof in (ANN_KEY, None, signed(site, item, "ann", ANN_KEY)):
        with pytest.raises(QuarantineRefused, match="not configured any more"):
            without.approve(item, proof, "root")


def test_a_stranger_signs_in_the_name_of_an_approver_in_vain(site: Site) -> None:
    item = site.keep()
    assert "the configuration has for ann" in refused(site, item, signed(site, item, "ann", EVE_KEY))
    assert "the configuration has for ann" in refused(site, item, signed(site, item, "ann", BEN_KEY))


def test_an_approver_who_left_meanwhile_is_heard_no_more(site: Site) -> None:
    item = site.keep()
    document = signed(site, item, "ann", ANN_KEY)
    others = replace(TWO_PEOPLE, approvers=TWO_PEOPLE.approvers[1:], approvals=1)
    with pytest.raises(SignatureRefused, match="who may: ben"):
        site.quarantine(replace(site.config, lists=(others,))).approve(item, document, "root")


def test_replayed_for_another_version_or_another_list_it_says_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, TWO_PEOPLE, replace(TWO_PEOPLE, id="trial"))
    item, other, of_trial = site.keep(), site.keep("0b" * 32), site.keep(list_number=1)
    document = signed(site, item, "ann", ANN_KEY)
    for elsewhere in (other, of_trial):
        assert f"another quarantined version than {elsewhere}" in refused(site, elsewhere, document)


def test_a_statement_that_approves_rejects_nothing_and_the_other_way_round(site: Site) -> None:
    item = site.keep()
    with pytest.raises(SignatureRefused, match="signed to approve a version, and not to reject it"):
        site.quarantine().reject(item, signed(site, item, "ann", ANN_KEY), "root")
    assert site.quarantine().standing(item).state == "waiting"
    assert "signed to reject" in refused(site, item, signed(site, item, "ann", ANN_KEY, "reject"))


def test_who_rejects_from_elsewhere_is_named(site: Site) -> None:
    item = site.keep()
    site.quarantine().reject(item, signed(site, item, "ben", BEN_KEY, "reject"), "root")
    assert site.quarantine().rejected_by("national", DIGEST) == "ben"
    assert site.told()[-1].facts["by"] == "ben"
    with pytest.raises(QuarantineRefused, match="rejected by ben"):
        site.quarantine().statement(item, "approve", "ann")


def test_a_statement_is_over_when_another_version_went_live_since(site: Site) -> None:
    item = site.keep()
    document = signed(site, item, "ann", ANN_KEY)
    site.clock.now += 10
    site.publish(["bad.example"])
    assert "is over" in refused(site, item, document)
    site.clock.now += 10
    assert "is over" in refused(site, item, document)
    again = signed(site, item, "ann", ANN_KEY)
    assert site.quarantine().approve(item, again, "root").approved_by == ("ann",)


def test_a_statement_covers_the_findings_that_it_tells_and_no_later_ones(site: Site) -> None:
    item = site.keep()
    document = signed(site, item, "ann", ANN_KEY)
    more = report().with_findings([Finding("overblock", "it stops 3 hosts beside it")])
    site.clock.now += 0.25  # the same second: the times alone would not tell
    again = site.quarantine().keep(site.config.lists[0], more, DIGEST, {"": PLANTED})
    assert again == item
    refused(site, item, document)
    site.clock.now += 10
    refused(site, item, document)


def test_a_statement_from_the_future_is_refused_but_for_a_clock_that_was_put_right(site: Site) -> None:
    item = site.keep()
    site.clock.now += 2 * FUTURE_S
    document = signed(site, item, "ann", ANN_KEY)
    site.clock.now -= FUTURE_S + 1
    assert "from the future" in refused(site, item, document)
    site.clock.now += 1
    assert site.quarantine().approve(item, document, "root").approved_by == ("ann",)
    # It goes on to count where the clock is put back once more.
    site.clock.now -= FUTURE_S
    assert site.quarantine().standing(item).approved_by == ("ann",)


def test_who_has_the_right_sees_entries_by_a_statement_for_an_hour(site: Site) -> None:
    item = site.keep()
    document = signed(site, item, "eve", EVE_KEY, "reveal")
    assert site.quarantine().reveal(item, document).raw == {"": PLANTED}
    assert (site.told()[-1].event, site.told()[-1].facts["by"]) == ("entries_revealed", "eve")
    site.clock.now += REVEAL_S
    with pytest.raises(SignatureRefused, match="too old"):
        site.quarantine().reveal(item, document)
    with pytest.raises(SignatureRefused, match="signed to approve"):
        site.quarantine().reveal(item, signed(site, item, "ann", ANN_KEY))
    assert site.events().count("entries_revealed") == 1
