"""An authority that signs, on the hostile server: each part of what it publishes can be made to lie."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from hostile_authority import Authority, serve

from cop_filter import fingerprints, signing
from cop_filter.provenance import KEYS, LIST, Change, ChangeFile, KeySet, ListManifest
from cop_filter.signing import SigningKey

NOW = 1_750_000_000
"""What the tests' clocks say."""

DAY = 86_400


def text_of(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in sorted(lines)).encode()


def prints_of(lines: Sequence[str]) -> str:
    return fingerprints.digest(fingerprints.of_lines(lines))


def manifest_of(lines: Sequence[str], **changes: object) -> ListManifest:
    text = text_of(lines)
    made = ListManifest(
        list="national",
        version=1,
        not_before=NOW - DAY,
        expires=NOW + DAY,
        length=len(text),
        digest=sha256(text).hexdigest(),
        count=len(lines),
        previous=None,
        entries_digest=prints_of(lines),
        canaries=(),
        deltas=(),
        keys=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # passed through


@dataclass
class SignedAuthority:
    """`keys` sign; what is published stands at `/national/` of the server."""

    server: Authority
    keys: list[SigningKey]
    threshold: int = 1
    folder: str = "/national"
    manifest: ListManifest | None = None
    lines: Sequence[str] = field(default_factory=list)

    @property
    def source(self) -> str:
        return f"signed+{self.server.url}{self.folder}"

    def put(self, path: str, body: bytes) -> None:
        self.server.answers[f"{self.folder}/{path}"] = serve(body)

    def key_set(self, version: int, keys: Sequence[SigningKey], by: Sequence[SigningKey], threshold: int = 1):
        members = tuple(key.public for key in keys)
        made = KeySet("national", version, threshold, members)
        self.put(KeySet.path_of(version), signing.seal(made.said(), KEYS, by))

    def publish(self, lines: Sequence[str], by: Sequence[SigningKey] | None = None, **changes: object):
        """The lines as the next version, with a change from the one before."""
        before, old = self.manifest, self.lines
        made = manifest_of(lines, **changes)
        if before is None:
            self.key_set(1, self.keys, self.keys, self.threshold)
        else:
            change = Change.between(before.digest, frozenset(old), frozenset(lines), made.entries_digest)
            raw = change.to_bytes()
            file = ChangeFile(before.digest, sha256(raw).hexdigest(), len(raw))
            self.put(file.path, raw)
            made = replace(
                made, version=before.version + 1, previous=before.digest, deltas=(*before.deltas, file)
            )
            made = replace(made, **changes)  # type: ignore[arg-type]  # passed through
        self.show(made, by)
        self.put(made.path, text_of(lines))
        self.manifest, self.lines = made, lines
        return made

    def show(self, manifest: ListManifest, by: Sequence[SigningKey] | None = None) -> None:
        """Put this manifest in place of the one that is served."""
        self.put("manifest.json", signing.seal(manifest.said(), LIST, self.keys if by is None else by))

    def asked_for(self) -> list[str]:
        """The kinds of files that were fetched, in order."""
        return [one.target.removeprefix(f"{self.folder}/").partition("/")[0] for one in self.server.requests]
