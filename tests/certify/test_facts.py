"""A certificate tells what was recorded, and calls nothing good that was not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from generations import a_config, a_list, dns
from quarter_of_records import DAY, ENTRY, QUARTER, START, a_recorded_quarter

from cop_filter.certify import certificate, facts, gather
from cop_filter.certify.document import NO_DATA, document
from cop_filter.history import Span
from cop_filter.signing import SigningKey
from cop_filter.signing.envelope import canonical


@pytest.fixture
def told(tmp_path: Path) -> dict[str, Any]:
    config = a_recorded_quarter(tmp_path)
    return facts.facts(config, gather.recorded(config, QUARTER, QUARTER.end + DAY))


def test_it_tells_how_old_a_list_was_and_how_its_refreshes_ended(told: dict[str, Any]) -> None:
    (national,) = told["lists"]
    assert national["unconfirmed_s"] == {"best": 60, "mean": 720, "worst": 1500}
    assert national["age_s"] == {"best": 7200, "mean": 7200, "worst": 7200}
    assert national["refreshes"] == {"published": 0, "unchanged": 24, "refused": 1}
    assert national["decisions"] == {"quarantined": 1, "approved": 1, "rejected": 0, "released": 0}


def test_it_tells_since_when_a_list_was_not_checked_and_that_its_versions_were_refused(
    told: dict[str, Any],
) -> None:
    gaps = told["lists"][0]["gaps"]
    assert gaps["told"] == [{"start": START + 69 * 3600, "end": QUARTER.end, "state": "refused"}]
    assert gaps["count"] == 1


def test_time_without_a_self_test_is_no_data_and_lowers_what_is_proven(told: dict[str, Any]) -> None:
    found = told["enforcement"]["dns"]
    whole_s = QUARTER.end - START
    assert found["bad_s"] == 2 * 3600
    assert found["good_s"] == 45 * 3600
    assert found["good_s"] + found["bad_s"] + found["no_data_s"] == whole_s
    assert found["percent"] == f"{found['good_s'] * 100 / whole_s:.6f}"[:5]
    assert found["longest_outage"]["state"] == "no data"
    assert set(told["enforcement"]) == {"dns"}


def test_canaries_are_told_by_plane_and_those_never_asked_for_are_no_data(told: dict[str, Any]) -> None:
    canaries = told["lists"][0]["canaries"]
    assert canaries["dns"] == {"passed": 47, "failed": 1, "unreachable": 0}
    assert canaries["http"] is None


def test_only_what_was_audited_in_the_quarter_counts(told: dict[str, Any]) -> None:
    assert told["changes"]["rollbacks"] == 1
    assert told["audit"]["lines"] == 5
    assert told["generations"] == {"in_force": 1, "first": 4, "last": 9}


def test_a_quarter_that_runs_is_marked_incomplete(tmp_path: Path) -> None:
    config = a_recorded_quarter(tmp_path)
    told = facts.facts(config, gather.recorded(config, QUARTER, START + DAY))
    assert told["quarter"]["until"] == START + DAY
    assert not told["quarter"]["complete"]
    assert "Incomplete" in document(told).warning
    assert told["enforcement"]["dns"]["no_data_s"] == 0
    assert told["lists"][0]["gaps"]["count"] == 0


def test_where_nothing_was_recorded_everything_is_no_data(tmp_path: Path) -> None:
    config = a_config(tmp_path, a_list(), dns=dns())
    told = facts.facts(config, gather.recorded(config, QUARTER, QUARTER.end))
    (national,) = told["lists"]
    assert (
        national["age_s"]
        is national["unconfirmed_s"]
        is national["refreshes"]
        is national["decisions"]
        is None
    )
    assert told["enforcement"]["dns"]["percent"] is None
    assert told["changes"] is told["audit"] is None
    enforcement = document(told).sections[0].table.rows[0]
    assert enforcement == ("dns", *[NO_DATA] * 4)


def test_an_audit_log_that_was_cut_is_told_and_its_counts_are_not(tmp_path: Path) -> None:
    config = a_recorded_quarter(tmp_path)
    (log,) = (tmp_path / "audit").glob("*.jsonl")
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-2]))
    told = facts.facts(config, gather.recorded(config, QUARTER, QUARTER.end))
    assert "broken" in told["audit"]
    assert told["changes"] is told["lists"][0]["decisions"] is None
    assert "cannot be believed" in document(told).warning


def test_no_entry_is_told(told: dict[str, Any]) -> None:
    assert ENTRY.encode() not in canonical(told)


def test_a_certificate_of_many_lists_with_many_gaps_can_still_be_verified(tmp_path: Path) -> None:
    config = a_config(tmp_path, *(a_list(f"list-{number}") for number in range(120)))
    seen = [Span(at, at + 1, good=True) for at in range(QUARTER.start, QUARTER.end, 6 * 3600)]
    recorded = replace(
        gather.recorded(config, QUARTER, QUARTER.end), spans={f"list:{one.id}": seen for one in config.lists}
    )
    told = facts.facts(config, recorded)
    assert all(one["gaps"]["count"] > facts.MOST_GAPS for one in told["lists"])
    key = SigningKey.generate()
    for name, content in certificate.make(told, key, {}).items():
        (tmp_path / name).write_bytes(content)
    assert certificate.verify(tmp_path / "certificate-2026Q2.json", key.public).facts == told
