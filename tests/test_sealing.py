"""Keys derived from one key, and the box that patterns and keywords lie in."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.errors import StateError
from cop_filter.sealing import Keys, open_entries, seal, seal_entries
from cop_filter.verdict import Kind

KEY = bytes(range(32))
ENTRIES = st.dictionaries(
    st.tuples(st.integers(0, 4095), st.sampled_from([Kind.PATTERN, Kind.KEYWORD]), st.text(max_size=30)),
    st.integers(1, 9),
)


@given(ENTRIES)
def test_what_was_sealed_is_opened_again(entries):
    assert open_entries(seal_entries(entries, KEY), KEY) == entries


def test_a_box_shows_no_text_and_is_never_twice_the_same():
    entries = {(0, Kind.PATTERN, "planted.example/a/*"): 1}
    box = seal_entries(entries, KEY)
    assert b"planted" not in box
    assert box != seal_entries(entries, KEY)


def test_an_empty_box_is_one_of_its_key_alone():
    assert open_entries(seal_entries({}, KEY), KEY) == {}
    assert seal_entries({}, KEY) != seal_entries({}, bytes(32))


def test_an_empty_list_that_was_encrypted_is_opened_too():
    nonce = bytes(12)
    assert open_entries(nonce + ChaCha20Poly1305(KEY).encrypt(nonce, b"[]", None), KEY) == {}


def test_of_what_was_sealed_before_texts_were_counted_there_may_be_several():
    box = seal(b'[[0, "keyword", "planted"]]', KEY)
    assert open_entries(box, KEY) == {(0, Kind.KEYWORD, "planted"): 2}


@pytest.mark.parametrize("name", ["index", "manifest", "patterns", "references"])
def test_keys_are_derived_as_others_derive_them(name):
    peer = HKDF(hashes.SHA256(), 32, salt=None, info=f"cop-filter {name} v1".encode())
    assert getattr(Keys.derive(KEY), name) == peer.derive(KEY)


@pytest.mark.parametrize(
    "damage", [lambda box: box[:-1], lambda box: box[:5], lambda _: b"", lambda box: box + b"x"]
)
def test_a_damaged_box_is_refused(damage):
    with pytest.raises(StateError, match="what was sealed is refused"):
        open_entries(damage(seal_entries({(0, Kind.KEYWORD, "planted"): 1}, KEY)), KEY)


def test_a_box_of_another_key_is_refused():
    with pytest.raises(StateError, match="another key"):
        open_entries(seal_entries({}, KEY), bytes(32))


def test_the_keys_of_one_key_file_all_differ_and_are_not_shown():
    keys = Keys.derive(KEY)
    parts = {keys.index, keys.manifest, keys.patterns, keys.references, KEY}
    assert len(parts) == 5
    assert KEY.hex() not in repr(keys)
    assert keys.index.hex() not in repr(keys)
    assert str(keys.index) not in repr(keys)


def test_a_key_file_of_the_wrong_length_is_refused():
    with pytest.raises(StateError, match="32 bytes"):
        Keys.derive(b"short")
