"""Lists out of a repository of The Update Framework, and every attack that it is there against."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fetching import Fetch
from hostile_authority import Authority, Exchange, endless, head, listening, raw, serve, status
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Root, Snapshot, Targets, Timestamp
from tuf_repository import THRESHOLD, Repository, in_days

from cop_filter.errors import FetchFailed, ListRefused, ProvenanceFailed
from cop_filter.sources import Fetched, NotModified, TryAgain, Validators

LIST = b"planted-one.example\nhttp://site.example/page\n"
NEWER = b"planted-two.example\n"


class Served(Repository):
    """A repository on the hostile server."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        super().__init__(lambda path, body: authority.answers.update({f"/repo/{path}": serve(body)}))


@pytest.fixture
async def authority() -> AsyncIterator[Authority]:
    async with listening() as one:
        yield one


@pytest.fixture
def repository(authority: Authority) -> Repository:
    one = Served(authority)
    one.publish(LIST)
    return one


@pytest.fixture
def trusted(tmp_path: Path, repository: Repository) -> dict[str, object]:
    path = tmp_path / "root.json"
    path.write_bytes(repository.files["metadata/1.root.json"])
    return {"tuf_root_file": path, "tuf_target": "lists/urls.txt", "retries": 0, "timeout_s": 5.0}


async def whole(get: Fetch, repository: Repository, trusted: dict[str, object], **more: object) -> Fetched:
    found = await get(f"tuf+{repository.authority.url}/repo/", **{**trusted, **more})
    assert isinstance(found, Fetched)
    return found


async def test_a_target_is_fetched_with_what_is_vouched_for_it(get, repository, trusted):
    repository.publish(NEWER, custom={"canaries": ["canary.example", 7]})
    found = await whole(get, repository, trusted)
    assert found.raw == {"": NEWER}
    assert found.vouched is not None
    assert (found.vouched.version, found.vouched.canaries) == (2, ("canary.example",))
    assert found.vouched.expires_at == pytest.approx(time.time() + 7 * 86400, abs=60)


async def test_what_is_known_is_not_fetched_again_and_still_vouched_for(get, repository, trusted):
    found = await whole(get, repository, trusted)
    asked = len(repository.authority.requests)
    again = await get(f"tuf+{repository.authority.url}/repo/", found.validators, held=found.digest, **trusted)
    assert isinstance(again, NotModified)
    assert again.vouched == found.vouched
    assert not [one for one in repository.authority.requests[asked:] if "/targets/lists/" in one.target]
    repository.publish(NEWER)
    again = await get(f"tuf+{repository.authority.url}/repo/", found.validators, held=found.digest, **trusted)
    assert isinstance(again, Fetched)


async def test_nothing_that_is_remembered_holds_an_entry_and_all_of_it_is_the_owners(
    get, repository, trusted, tmp_path
):
    await whole(get, repository, trusted)
    kept = list((tmp_path / "memory").rglob("*"))
    assert {"timestamp.json", "snapshot.json", "targets.json"} <= {path.name for path in kept}
    for path in kept:
        assert path.is_dir() or b"planted" not in path.read_bytes()
        allowed = 0o700 if path.is_dir() else 0o600
        assert path.is_symlink() or path.stat().st_mode & 0o777 & ~allowed == 0, path.name


async def test_keys_are_rotated_by_those_who_hold_them(get, repository, trusted):
    await whole(get, repository, trusted)
    old, repository.keys = repository.keys, [CryptoSigner.generate_ed25519() for _ in range(THRESHOLD)]
    root = Root(2, expires=in_days(365), consistent_snapshot=True)
    for role in (Root.type, Timestamp.type, Snapshot.type, Targets.type):
        root.roles[role].threshold = THRESHOLD
        for key in repository.keys:
            root.add_key(key.public_key, role)
    repository._serve("metadata/2.root.json", repository.sign(root, [*old, *repository.keys]))
    repository.publish(NEWER)
    assert (await whole(get, repository, trusted)).raw == {"": NEWER}


async def test_one_stolen_key_below_the_threshold_publishes_nothing(get, repository, trusted):
    await whole(get, repository, trusted)
    repository.keys = repository.keys[:1]
    repository.publish(NEWER)
    with pytest.raises(ProvenanceFailed, match="signatures"):
        await whole(get, repository, trusted)


async def test_rollback_an_older_list_is_not_believed(get, repository, trusted):
    old = dict(repository.files)
    repository.publish(NEWER)
    await whole(get, repository, trusted)
    repository.restore(old)
    with pytest.raises(ProvenanceFailed, match="older metadata"):
        await whole(get, repository, trusted)


async def test_replay_of_an_old_mirror_is_told_from_the_newest(get, repository, trusted):
    mirror = {path: body for path, body in repository.files.items() if "timestamp" in path}
    for _ in range(3):
        repository.publish(NEWER)
    await whole(get, repository, trusted)
    repository.restore(mirror)
    with pytest.raises(ProvenanceFailed, match="old mirror"):
        await whole(get, repository, trusted)


async def test_freeze_a_repository_that_stands_still_expires(get, repository, trusted):
    repository.publish(LIST, expires_days=-0.01)
    with pytest.raises(ProvenanceFailed, match="expired"):
        await whole(get, repository, trusted)


async def test_mix_and_match_metadata_of_two_versions_is_refused(get, repository, trusted):
    old = repository.files["metadata/1.targets.json"]
    repository.publish(NEWER)
    repository._serve("metadata/2.targets.json", old)
    with pytest.raises(ProvenanceFailed):
        await whole(get, repository, trusted)


async def test_another_list_under_the_targets_name_is_refused(get, repository, trusted):
    (path,) = [path for path in repository.files if path.startswith("targets/")]
    repository._serve(path, LIST.replace(b"one", b"two"))
    with pytest.raises(ProvenanceFailed, match="do not belong together"):
        await whole(get, repository, trusted)


@pytest.mark.parametrize("body", [LIST[:-1], LIST + b"more.example\n", b""])
async def test_wrong_length_is_refused(get, repository, trusted, body):
    (path,) = [path for path in repository.files if path.startswith("targets/")]
    repository._serve(path, body)
    with pytest.raises((ProvenanceFailed, FetchFailed)):
        await whole(get, repository, trusted)


@pytest.mark.parametrize("path", ["metadata/timestamp.json", "metadata/1.snapshot.json", "targets"])
async def test_endless_data_is_cut(get, repository, trusted, path):
    (found,) = [one for one in repository.files if one.startswith(path)]
    repository.authority.answers[f"/repo/{found}"] = endless
    with pytest.raises(FetchFailed, match="larger than max_bytes"):
        await whole(get, repository, trusted)


async def drip(exchange: Exchange) -> None:
    """Never more than it may send, and never done."""
    await exchange.send(head(Transfer_Encoding="chunked"))
    while not await exchange.client_leaves(within_s=0.05):
        await exchange.send(b"1\r\n{\r\n")


@pytest.mark.parametrize("path", ["metadata/timestamp.json", "targets"])
async def test_slow_retrieval_ends_with_the_time_limit(get, repository, trusted, path):
    (found,) = [one for one in repository.files if one.startswith(path)]
    repository.authority.answers[f"/repo/{found}"] = drip
    with pytest.raises(TryAgain, match="did not arrive"):
        await whole(get, repository, trusted, timeout_s=0.5)


async def test_a_list_larger_than_the_operator_allows_is_not_even_asked_for(get, repository, trusted):
    with pytest.raises(FetchFailed, match="larger than max_bytes"):
        await whole(get, repository, trusted, max_bytes=10)
    assert not [one for one in repository.authority.requests if "/targets/lists/" in one.target]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tuf_target": "lists/other.txt"}, "no target"),
        ({"tuf_root_file": Path("missing.json")}, "tuf_root_file"),
    ],
)
async def test_what_the_operator_misspelt_is_named(get, repository, trusted, changes, said):
    with pytest.raises(ListRefused, match=said):
        await whole(get, repository, trusted, **changes)


async def test_a_root_that_is_none_is_refused(get, repository, trusted, tmp_path):
    wrong = tmp_path / "wrong.json"
    wrong.write_bytes(b"{}")
    with pytest.raises(ProvenanceFailed):
        await whole(get, repository, trusted, tuf_root_file=wrong)


@pytest.mark.parametrize(
    "behaviour", [status(503), raw(head(200, Content_Length=9), b"{}"), serve(b"[" * 5000)]
)
async def test_broken_answers_are_refused_and_the_next_visit_succeeds(get, repository, trusted, behaviour):
    good = repository.authority.answers["/repo/metadata/timestamp.json"]
    repository.authority.answers["/repo/metadata/timestamp.json"] = behaviour
    with pytest.raises((FetchFailed, ProvenanceFailed)) as refused:
        await whole(get, repository, trusted)
    assert "127.0.0.1" not in str(refused.value)
    repository.authority.answers["/repo/metadata/timestamp.json"] = good
    assert (await whole(get, repository, trusted)).raw == {"": LIST}


async def test_without_a_validator_the_list_comes_whole(get, repository, trusted):
    found = await whole(get, repository, trusted)
    again = await get(f"tuf+{repository.authority.url}/repo/", Validators(), held=found.digest, **trusted)
    assert isinstance(again, Fetched)
