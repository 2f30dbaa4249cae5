"""Documents count for what their keys signed, and for nothing else."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.errors import SignatureRefused
from cop_filter.signing import PublicKey, SigningKey, read, seal

ANN, BEN, EVE = (SigningKey.generate() for _ in range(3))
SAID = {"list": "national", "version": 7, "names": ["a", "b"]}


def test_a_signed_document_is_read_back_with_its_signers():
    document = read(seal(SAID, "list", [ANN, BEN]), "list", [ANN.public, BEN.public], 2)
    assert document.said == SAID
    assert set(document.signers) == {ANN.public, BEN.public}


def test_one_stolen_key_below_the_threshold_signs_nothing():
    with pytest.raises(SignatureRefused, match="1 of the 2"):
        read(seal(SAID, "list", [ANN, EVE]), "list", [ANN.public, BEN.public], 2)


def test_the_same_key_twice_counts_once():
    raw = seal(SAID, "list", [ANN, ANN])
    with pytest.raises(SignatureRefused, match="1 of the 2"):
        read(raw, "list", [ANN.public, ANN.public, BEN.public], 2)


def test_a_document_of_one_purpose_is_not_taken_for_another():
    with pytest.raises(SignatureRefused, match="0 of the 1"):
        read(seal(SAID, "approval", [ANN]), "list", [ANN.public])


def test_a_changed_word_undoes_the_signature():
    raw = seal(SAID, "list", [ANN]).replace(b"national", b"notional")
    with pytest.raises(SignatureRefused):
        read(raw, "list", [ANN.public])


def test_a_key_that_stands_twice_is_refused_because_readers_would_differ():
    raw = seal(SAID, "list", [ANN]).replace(b'"version": 7', b'"version": 7, "version": 8')
    with pytest.raises(SignatureRefused, match="no signed document"):
        read(raw, "list", [ANN.public])


@given(st.binary(max_size=300) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
    lambda value: json.dumps({"signed": value, "signatures": value}).encode()))  # fmt: skip
def test_any_other_bytes_are_refused_with_the_one_error(raw):
    with pytest.raises(SignatureRefused):
        read(raw, "list", [ANN.public])


@given(st.data())
def test_no_damaged_document_is_believed(data):
    raw = bytearray(seal(SAID, "list", [ANN]))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(SignatureRefused):
        assert read(bytes(raw), "list", [ANN.public]).said == SAID


def test_a_private_key_is_kept_for_its_owner_alone_and_never_shown(tmp_path: Path):
    path = tmp_path / "key.pem"
    ANN.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert SigningKey.load(path).public == ANN.public
    with pytest.raises(FileExistsError):
        BEN.save(path)
    path.chmod(0o640)
    with pytest.raises(SignatureRefused, match="chmod 600"):
        SigningKey.load(path)


@pytest.mark.parametrize(
    "content", ["", "secret words", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_holds_no_such_key_is_refused_without_its_content(tmp_path: Path, content: str):
    path = tmp_path / "key.pem"
    path.touch(mode=0o600)
    path.write_text(content)
    with pytest.raises(SignatureRefused, match="no unencrypted Ed25519") as refused:
        SigningKey.load(path)
    assert "secret" not in str(refused.value)


def test_a_public_key_is_written_and_read_as_one_word():
    assert PublicKey.parse(str(ANN.public)) == ANN.public
    for wrong in ("ed25519:AAAA", "AAAA", "rsa:" + str(ANN.public), str(ANN.public)[:-4] + "===="):
        with pytest.raises(ValueError, match="must be a public key"):
            PublicKey.parse(wrong)
