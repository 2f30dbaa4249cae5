"""The signed certificate, and what it vouches for. Pure but for the files that `verify` is given."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cop_filter import signing
from cop_filter.certify.document import Document, document
from cop_filter.certify.facts import Facts
from cop_filter.certify.html import html
from cop_filter.errors import SignatureRefused
from cop_filter.signing import PublicKey, SigningKey
from cop_filter.signing.envelope import canonical

PURPOSE = "certificate"
_MAX_FILE_BYTES = 64 * 2**20

Render = Callable[[Document, str], bytes]
"""A document and the digest of its facts -> a file's bytes."""


def make(facts: Facts, key: SigningKey, renders: Mapping[str, Render]) -> dict[str, bytes]:
    """The files of a certificate by name: the signed JSON, HTML, and what else `renders` has by suffix."""
    stem = f"certificate-{facts['quarter']['name']}"
    facts_digest = digest(canonical(facts))
    told = document(facts)
    files = {
        f"{stem}.{suffix}": render(told, facts_digest) for suffix, render in {"html": html, **renders}.items()
    }
    said = {
        "facts": facts,
        "facts_digest": facts_digest,
        "files": {name: digest(content) for name, content in files.items()},
    }
    return {f"{stem}.json": signing.seal(said, PURPOSE, [key]), **files}


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate that its key vouches for; `files` beside it are as they were, `missing` are not there."""

    facts: Mapping[str, Any]
    files: tuple[str, ...]
    missing: tuple[str, ...]


def verify(path: Path, key: PublicKey) -> Certified:
    """Check a certificate, and the files that it names where they lie beside it.

    `path` is the JSON file, or one of those files. Raises SignatureRefused, saying which file is not what
    was signed, and OSError.
    """
    signed = path.with_suffix(".json")
    try:
        said = signing.read(_read(signed), PURPOSE, [key]).said
        facts, names = said["facts"], said["files"]
        if said["facts_digest"] != digest(canonical(facts)):
            raise SignatureRefused("it tells other facts than it names")
        if not all(isinstance(name, str) and Path(name).name == name for name in names):
            raise SignatureRefused("it names files elsewhere")
        digests: dict[str, str] = dict(names)
    except (SignatureRefused, KeyError, TypeError, ValueError) as error:
        why = str(error) if isinstance(error, SignatureRefused) else "it is no certificate"
        raise SignatureRefused(f"{signed.name}: {why}") from None
    if path != signed and path.name not in digests:
        raise SignatureRefused(f"{path.name}: {signed.name} does not vouch for it")
    present = [name for name in digests if (signed.parent / name).exists()]
    for name in present:
        if digest(_read(signed.parent / name)) != digests[name]:
            raise SignatureRefused(f"{name}: it was changed after {signed.name} was signed")
    missing = tuple(name for name in digests if name not in present)
    return Certified(facts, tuple(present), missing)


def digest(content: bytes) -> str:
    """How a certificate names a file: SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MAX_FILE_BYTES + 1)
    if len(content) > _MAX_FILE_BYTES:
        raise SignatureRefused(f"{path.name}: it is larger than {_MAX_FILE_BYTES} bytes")
    return content
