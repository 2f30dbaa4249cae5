"""Where the keys of the index come from, and how one takes the place of another."""

import contextlib
import hashlib
import re
import stat

import pytest
from generations import a_config, a_list, publish
from hypothesis import given
from hypothesis import strategies as st

import cop_filter
from cop_filter import compiler, durable, rotation
from cop_filter.entries import parse
from cop_filter.errors import ConfigError, ListRefused, StateError
from cop_filter.keyring import KeyRing, _keys, read
from cop_filter.loader import open_engine, open_generation
from cop_filter.rollout.going_back import go_back
from cop_filter.store import Store

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
TEXT = f"# of 2026\n{NEW.hex()}\n\n  {OLD.hex()}  # of 2025\n"


@pytest.fixture
def file(tmp_path):
    durable.write(tmp_path / "keys", TEXT.encode())
    return tmp_path / "keys"


def test_a_ring_is_read_newest_first_from_each_place(tmp_path, file, monkeypatch):
    monkeypatch.setenv("RING", TEXT)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    for place in ({"key_file": file}, {"key_env": "RING"}, {"key_credential": "keys"}):
        assert read(a_config(tmp_path / "state", **place)) == (NEW, OLD)


def test_without_a_place_the_state_folder_has_a_key_of_its_own_and_with_one_it_has_none(tmp_path, file):
    Store.of(a_config(tmp_path / "own")).prepare()
    assert len((tmp_path / "own" / "index.key").read_bytes()) == 32
    Store.of(a_config(tmp_path / "apart", key_file=file)).prepare()
    assert not (tmp_path / "apart" / "index.key").exists()


@pytest.mark.parametrize(
    "text", [b"", b"\n# none\n", b"abc", NEW.hex().encode() * 2, b"zz" * 32, NEW[:31], b"\xff" * 64]
)
def test_what_is_no_ring_is_refused_and_never_shown(tmp_path, text):
    durable.write(tmp_path / "keys", text)
    with pytest.raises(StateError, match="64 hexadecimal digits") as error:
        KeyRing(tmp_path, tmp_path / "keys").read()
    assert not text.strip() or text.decode(errors="replace") not in str(error.value)


def test_a_key_that_is_there_twice_is_refused(tmp_path):
    durable.write(tmp_path / "keys", f"{OLD.hex()}\n{OLD.hex()}\n".encode())
    with pytest.raises(StateError, match="twice"):
        KeyRing(tmp_path, tmp_path / "keys").read()


def test_each_place_says_what_is_missing(tmp_path, file, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    file.chmod(0o640)
    for ring, what in (
        (KeyRing(tmp_path, file), "key_file is readable by others: chmod 600"),
        (KeyRing(tmp_path, tmp_path / "none"), "key_file cannot be read"),
        (KeyRing(tmp_path, env="NO_RING"), "key_env .NO_RING. is not set"),
        (KeyRing(tmp_path, credential="ring"), "LoadCredential="),
    ):
        with pytest.raises(StateError, match=what):
            ring.read()


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=5, unique=True))
def test_any_ring_that_is_written_is_read_back(keys):
    assert _keys("".join(f"{key.hex()}\n" for key in keys).encode()) == tuple(keys)


@given(st.binary(max_size=200))
def test_any_bytes_are_keys_or_a_value_error(raw):
    with contextlib.suppress(ValueError):
        assert all(len(key) == 32 for key in _keys(raw))


# ---------------------------------------------------------------- rotation


def renew(config, **entries_by_list):
    with compiler.draft(Store.of(config), config, renew=True) as draft:
        for list_id, texts in entries_by_list.items():
            draft.replace(list_id, [parse(text) for text in texts])
        return draft.publish()


@pytest.fixture
def rotating(tmp_path):
    """Two lists in force under an old key, and a new one that waits."""
    config = a_config(tmp_path / "state", a_list(), a_list("second"))
    publish(config, national=["one.example"], second=["two.example"])
    rotation.begin(Store.of(config))
    return config


def blocked(config, *hosts):
    engine = open_engine(Store.of(config))
    return [engine.decide_host(host).stops for host in hosts]


def test_until_all_lists_are_there_again_the_old_key_is_used(rotating):
    store = Store.of(rotating)
    assert store.rotation_due()
    publish(rotating, national=["three.example"])
    assert blocked(rotating, "three.example", "two.example") == [True, True]
    assert store.rotation_due()
    with pytest.raises(StateError, match="the new key waits: list second"):
        renew(rotating, national=["three.example"])
    assert blocked(rotating, "three.example", "two.example") == [True, True]


def test_a_change_is_no_whole_list(rotating):
    with compiler.draft(Store.of(rotating), rotating, renew=True) as draft, pytest.raises(ListRefused):
        draft.amend("national", [parse("three.example")], [])


def test_once_all_are_there_the_new_key_is_used_and_carried_over_with(rotating):
    store = Store.of(rotating)
    old = store.keys()
    renew(rotating, national=["three.example"], second=["two.example"])
    assert not store.rotation_due()
    assert store.keys() == store.newest_keys() != old
    publish(rotating, national=["four.example"])
    assert blocked(rotating, "four.example", "two.example") == [True, True]
    assert not compiler.stale(store, rotating)


def test_an_older_generation_can_be_gone_back_to_for_as_long_as_its_key_is_there(rotating):
    store = Store.of(rotating)
    renew(rotating, national=["three.example"], second=["two.example"])
    go_back(store, None, by="ann", reason="", now=0.0)
    assert blocked(rotating, "one.example", "three.example") == [True, False]
    with pytest.raises(StateError, match="an older key is in use"):
        rotation.finish(store)


def test_to_finish_drops_the_old_key_and_what_needs_it(rotating):
    store = Store.of(rotating)
    with pytest.raises(StateError, match="an older key is in use"):
        rotation.finish(store)
    renew(rotating, national=["three.example"], second=["two.example"])
    assert rotation.finish(store) == (1,)
    assert len(store.all_keys()) == 1
    assert store.numbers() == [2]
    assert blocked(rotating, "three.example") == [True]


def test_a_second_new_key_has_to_wait_for_the_first(rotating):
    with pytest.raises(StateError, match="the newest key waits"):
        rotation.begin(Store.of(rotating))


def test_a_ring_stays_private_and_its_older_keys_in_it(tmp_path):
    config = a_config(tmp_path / "state")
    publish(config, national=["one.example"])
    (old,) = read(config)
    rotation.begin(Store.of(config))
    assert read(config)[1:] == (old,)
    assert stat.S_IMODE((tmp_path / "state" / "index.key").stat().st_mode) == 0o600
    assert cop_filter.open(tmp_path / "state").decide_host("one.example").stops


@pytest.mark.parametrize("place", [{"key_env": "RING"}, {"key_credential": "keys"}])
def test_what_is_not_ours_to_write_is_said_with_what_to_do(tmp_path, file, monkeypatch, place):
    monkeypatch.setenv("RING", TEXT)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(ConfigError, match="openssl rand -hex 32"):
        KeyRing.of(a_config(tmp_path / "state", **place)).replace([NEW])


# ---------------------------------------------------------------- BPjM 2014


DICTIONARY = [f"word{number}.example" for number in range(2000)]
LISTED = DICTIONARY[::7]


def test_bpjm_2014_a_stolen_index_without_its_key_tells_a_dictionary_nothing(tmp_path, file):
    """99 % of a list of plain hashes was found by hashing a dictionary: here the key is not in the folder."""
    config = a_config(tmp_path / "state", key_file=file)
    publish(config, national=LISTED)
    assert blocked(config, *LISTED[:3], "word1.example") == [True, True, True, False]
    stolen = b"".join(path.read_bytes() for path in sorted((tmp_path / "state").rglob("*")) if path.is_file())
    seen = {stolen[at : at + 8] for at in range(len(stolen) - 7)}
    for word in DICTIONARY:
        for spelled in (word, f"www.{word}", f"http://{word}/", ".".join(reversed(word.split(".")))):
            raw = spelled.encode()
            assert raw not in stolen
            for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
                # Its first 64 bits, which no index of hashes could do without; in either order of bytes.
                digest = hashlib.new(name, raw).digest()[:8]
                assert digest not in seen
                assert digest[::-1] not in seen


def test_bpjm_2014_with_a_wrong_key_the_stolen_index_is_refused(tmp_path, file):
    config = a_config(tmp_path / "state", key_file=file)
    publish(config, national=LISTED)
    durable.write(file, f"{bytes(32).hex()}\n{bytes(31).hex()}01\n".encode())
    with pytest.raises(StateError):
        open_generation(Store.of(config), 1)
    with pytest.raises(StateError):
        cop_filter.open(config.state_dir)


def test_bpjm_2014_two_operators_hold_the_same_list_and_nothing_of_their_files_is_alike(tmp_path):
    """Hashes that are alike everywhere would be found once, for all."""
    indexes = []
    for name in ("one", "two"):
        publish(a_config(tmp_path / name), national=LISTED)
        indexes.append((tmp_path / name / "generations" / "000001" / "index").read_bytes())
    pieces = [{index[at : at + 8] for at in range(0, len(index) - 7, 8)} for index in indexes]
    alike = [
        piece for piece in pieces[0] & pieces[1] if not re.fullmatch(rb"(?s)(\x00|\xff|.\x00{3,}).*", piece)
    ]
    assert len(alike) < 20


def test_an_engine_is_opened_with_a_key_that_is_kept_apart(tmp_path, file):
    config = a_config(tmp_path / "state", key_file=file)
    publish(config, store=Store.of(config), national=["bad.example"])
    assert cop_filter.open(tmp_path / "state", key_file=file).decide_host("bad.example").stops
    with pytest.raises(StateError):
        cop_filter.open(tmp_path / "state")
