"""A repository of The Update Framework as its people keep it; where its files go is the test's to say."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Key, Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

THRESHOLD = 2


class Repository:
    """A repository whose top-level roles need two of two keys; each publish makes new versions of all.

    `put` is given the path of each file, and what it holds.
    """

    def __init__(self, put: Callable[[str, bytes], None]) -> None:
        self._put = put
        self.keys = [CryptoSigner.generate_ed25519() for _ in range(THRESHOLD)]
        self.root = Root(consistent_snapshot=True, expires=in_days(365))
        for role in (Root.type, Timestamp.type, Snapshot.type, Targets.type):
            self.root.roles[role].threshold = THRESHOLD
            for key in self.keys:
                self.root.add_key(_public(key), role)
        self.version = 0
        self.files: dict[str, bytes] = {}
        self._write("metadata/1.root.json", self.root)

    def publish(
        self, body: bytes, *, expires_days: float = 7, custom: dict[str, object] | None = None
    ) -> None:
        self.version += 1
        target = TargetFile.from_data("lists/urls.txt", body, ["sha256"])
        if custom is not None:
            target.unrecognized_fields["custom"] = custom
        digest = target.hashes["sha256"]
        self._serve(f"targets/lists/{digest}.urls.txt", body)
        expires = in_days(expires_days)
        targets = Targets(self.version, expires=expires, targets={target.path: target})
        self._write(f"metadata/{self.version}.targets.json", targets)
        snapshot = Snapshot(self.version, expires=expires, meta={"targets.json": MetaFile(self.version)})
        self._write(f"metadata/{self.version}.snapshot.json", snapshot)
        timestamp = Timestamp(self.version, expires=expires, snapshot_meta=MetaFile(self.version))
        self._write("metadata/timestamp.json", timestamp)

    def sign(self, signed: object, signers: list[CryptoSigner] | None = None) -> bytes:
        metadata = Metadata(signed)  # type: ignore[type-var]
        for signer in self.keys if signers is None else signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def _write(self, path: str, signed: object) -> None:
        self._serve(path, self.sign(signed))

    def _serve(self, path: str, body: bytes) -> None:
        self.files[path] = body
        self._put(path, body)

    def restore(self, files: dict[str, bytes]) -> None:
        for path, body in files.items():
            self._serve(path, body)


def in_days(days: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)


def _public(signer: CryptoSigner) -> Key:
    return signer.public_key
