"""Changes made one after the other are one change."""

from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.errors import ProvenanceFailed
from cop_filter.provenance import Change
from cop_filter.provenance.change import composed

DIGEST = "0" * 64
_VERSIONS = st.lists(st.frozensets(st.sampled_from([f"h{n}.example" for n in range(8)])), min_size=1)


@given(_VERSIONS)
def test_all_changes_together_lead_from_the_first_version_to_the_last(versions: list[frozenset[str]]):
    changes = [Change.between(DIGEST, old, new, DIGEST) for old, new in pairwise(versions)]
    come, go = map(set, composed(changes))
    assert come == versions[-1] - versions[0]
    assert go == versions[0] - versions[-1]


@given(_VERSIONS)
def test_a_change_is_read_back_as_it_was_written(versions: list[frozenset[str]]):
    whole = reduce(frozenset.union, versions)
    change = Change.between(DIGEST, versions[0], whole, DIGEST)
    assert Change.read(change.to_bytes()) == change


def test_changes_that_contradict_each_other_are_refused():
    come = Change(DIGEST, ("a.example",), (), DIGEST)
    go = Change(DIGEST, (), ("a.example",), DIGEST)
    for wrong in ([come, come], [go, go]):
        with pytest.raises(ProvenanceFailed, match="contradict"):
            composed(wrong)


@given(st.binary(max_size=200))
def test_other_bytes_are_refused_with_the_one_error(raw: bytes):
    with pytest.raises(ProvenanceFailed):
        Change.read(raw)


@pytest.mark.parametrize(
    "line", ["", " a.example", "a.example ", "a\nb", "a\rb", "a\x00b", "\ud800", 7, None]
)
def test_what_is_no_line_of_a_list_is_refused(line: object):
    raw = Change(DIGEST, (line,), (), DIGEST).to_bytes()  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(ProvenanceFailed) as refusal:
        Change.read(raw)
    assert "example" not in str(refusal.value)
