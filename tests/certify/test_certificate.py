"""A certificate is verified elsewhere, and every change to it or to what it vouches for shows."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quarter_of_records import QUARTER, a_recorded_quarter

from cop_filter.certify import certificate, facts, gather
from cop_filter.certify.document import document
from cop_filter.certify.html import html
from cop_filter.certify.pdf import pdf
from cop_filter.errors import CopFilterError, SignatureRefused
from cop_filter.signing import SigningKey, seal

KEY = SigningKey.generate()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    config = a_recorded_quarter(tmp_path_factory.mktemp("state"))
    return facts.facts(config, gather.recorded(config, QUARTER, QUARTER.end))


@pytest.fixture
def folder(tmp_path: Path, told: dict[str, Any]) -> Path:
    for name, content in certificate.make(told, KEY, {"pdf": pdf}).items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_is_three_files_and_each_is_verified_with_the_key_alone(folder: Path) -> None:
    assert names(folder) == [f"certificate-2026Q2.{suffix}" for suffix in ("html", "json", "pdf")]
    for name in names(folder):
        found = certificate.verify(folder / name, KEY.public)
        assert found.facts["quarter"]["name"] == "2026Q2"
        assert (len(found.files), found.missing) == (2, ())


def test_the_signed_part_is_good_without_the_others_and_says_that_they_are_not_there(folder: Path) -> None:
    (folder / "certificate-2026Q2.pdf").unlink()
    found = certificate.verify(folder / "certificate-2026Q2.json", KEY.public)
    assert found.missing == ("certificate-2026Q2.pdf",)


def test_another_operators_key_is_refused(folder: Path) -> None:
    with pytest.raises(SignatureRefused, match="signatures"):
        certificate.verify(folder / "certificate-2026Q2.json", SigningKey.generate().public)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_attack_any_byte_of_the_page_or_the_pdf_exchanged_shows(folder: Path, data: st.DataObject) -> None:
    path = folder / f"certificate-2026Q2.{data.draw(st.sampled_from(['html', 'pdf']))}"
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(changed)
    with pytest.raises(SignatureRefused, match=r"was changed after certificate-2026Q2\.json"):
        certificate.verify(path, KEY.public)
    path.write_bytes(whole)


def _leaves(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for name in value for leaf in _leaves(value[name], (*at, name))]
    if isinstance(value, list):
        return [leaf for place, one in enumerate(value) for leaf in _leaves(one, (*at, place))]
    return [at]


def test_attack_any_fact_of_the_json_changed_shows(folder: Path) -> None:
    path = folder / "certificate-2026Q2.json"
    whole = json.loads(path.read_bytes())
    for leaf in _leaves(whole["signed"]):
        changed = json.loads(json.dumps(whole))
        inside = changed["signed"]
        for step in leaf[:-1]:
            inside = inside[step]
        inside[leaf[-1]] = "other"
        (folder / "other.json").write_text(json.dumps(changed))
        with pytest.raises(SignatureRefused):
            certificate.verify(folder / "other.json", KEY.public)


def test_attack_a_page_of_another_name_is_not_vouched_for(folder: Path) -> None:
    (folder / "certificate-2026Q2.htm").write_text("all was well")
    with pytest.raises(SignatureRefused, match="does not vouch"):
        certificate.verify(folder / "certificate-2026Q2.htm", KEY.public)


@pytest.mark.parametrize(
    "said",
    [{}, {"facts": {}, "facts_digest": "", "files": {}}, {"facts": 1, "facts_digest": "", "files": []},
     {"facts": {}, "facts_digest": certificate.digest(b"{}"), "files": {"../elsewhere": ""}}],
)  # fmt: skip
def test_what_the_key_signed_and_is_no_certificate_is_refused(tmp_path: Path, said: dict[str, Any]) -> None:
    (tmp_path / "c.json").write_bytes(seal(said, certificate.PURPOSE, [KEY]))
    with pytest.raises(SignatureRefused):
        certificate.verify(tmp_path / "c.json", KEY.public)


def test_attack_a_document_signed_for_another_purpose_is_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(seal({}, "audit-checkpoint", [KEY]))
    with pytest.raises(SignatureRefused, match="signatures"):
        certificate.verify(tmp_path / "c.json", KEY.public)


def test_the_page_needs_nothing_else_and_names_the_facts_it_tells(told: dict[str, Any]) -> None:
    page = html(document(told), "ab" * 32).decode()
    assert "ab" * 32 in page
    assert "<script" not in page
    assert "src=" not in page
    assert "url(" not in page
    assert "Self-certification 2026Q2" in page


def test_names_of_the_operator_are_text_and_never_markup(told: dict[str, Any]) -> None:
    told = {**told, "operator": {"name": "<script>x</script>", "responsible_officer": "Ωmega 北"}}
    assert "<script>x" not in html(document(told), "").decode()


def test_a_name_that_no_font_at_hand_can_show_makes_no_pdf_with_holes(told: dict[str, Any]) -> None:
    operator = {"name": "Example \U0001f9f2 \u5317", "responsible_officer": "officer"}
    with pytest.raises(CopFilterError, match="--font"):
        pdf(document({**told, "operator": operator}), "")


def test_the_pdf_is_a_pdf_and_the_same_facts_give_the_same_bytes(told: dict[str, Any]) -> None:
    made = pdf(document(told), "ab" * 32)
    assert made.startswith(b"%PDF-")
    assert made == pdf(document(told), "ab" * 32)
