"""What a generation says of itself: written, read back, and refused when it is not ours."""

import hashlib
import hmac
import json

import pytest

from cop_filter.errors import StateError
from cop_filter.manifest import ListState, Manifest
from cop_filter.policy import ListPolicy, ProfilePolicy
from cop_filter.verdict import Answer, LegalBasis, Plane

KEY = bytes(range(32))
POLICY = ListPolicy(
    id="national",
    authority="Example Hotline",
    category="csam",
    legal_basis=LegalBasis.ORDER,
    planes=(Plane.DNS, Plane.HTTP),
    answer=Answer.NXDOMAIN,
    on_failure="open",
    mode="observe",
    until=12.5,
)
A_LIST = ListState(
    POLICY,
    entries=3,
    published_at=999.0,
    digest="ab",
    version=7,
    expires_at=2000.5,
    attachments={"prints": "cd"},
)
MANIFEST = Manifest(
    generation=7,
    created_at=1000.5,
    steering=True,
    lists=(A_LIST, ListState(POLICY)),
    index_code="cd" * 32,
    profiles=(ProfilePolicy("schools", ("national",)), ProfilePolicy("libraries", ("national", "other"))),
)


def test_a_manifest_is_read_back_as_it_was():
    assert Manifest.from_bytes(MANIFEST.to_bytes(KEY), KEY) == MANIFEST


def without(*names):
    """The manifest as an earlier version wrote it, without these fields of it or of its lists."""
    fields = json.loads(MANIFEST.to_bytes(KEY).partition(b"\n")[2])
    fields["format"] = 1
    for holder in (fields, *fields["lists"]):
        for name in names:
            holder.pop(name, None)
    body = json.dumps(fields).encode()
    return Manifest.from_bytes(hmac.new(KEY, body, hashlib.sha256).hexdigest().encode() + b"\n" + body, KEY)


def test_a_manifest_from_before_there_were_profiles_is_read_and_has_none():
    read = without("profiles")
    assert read.profiles == ()
    assert read.lists == MANIFEST.lists


def test_a_manifest_from_before_lists_had_versions_and_attachments_is_read():
    read = without("version", "expires_at", "attachments")
    assert [(state.version, state.expires_at, state.attachments) for state in read.lists] == [
        (None, None, {})
    ] * 2
    assert read.lists[1] == MANIFEST.lists[1]


def test_a_list_is_found_by_its_id():
    assert MANIFEST.number_of("national") == 0
    assert MANIFEST.number_of("other") is None


@pytest.mark.parametrize("raw", [b"", b"{}", b"\n", b"\n{}", b"\xff\n\xff", MANIFEST.to_bytes(KEY)[:-1]])
def test_bytes_that_are_no_manifest_are_refused(raw):
    with pytest.raises(StateError, match="manifest refused"):
        Manifest.from_bytes(raw, KEY)


def test_a_changed_manifest_is_refused():
    changed = MANIFEST.to_bytes(KEY).replace(b'"observe"', b'"enforce"')
    with pytest.raises(StateError, match="corrupt"):
        Manifest.from_bytes(changed, KEY)


def test_a_manifest_made_with_another_key_is_refused():
    with pytest.raises(StateError, match="another key"):
        Manifest.from_bytes(MANIFEST.to_bytes(KEY), bytes(32))
