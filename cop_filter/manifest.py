"""What a generation says of itself: its lists, policies, counts, times and the files it belongs with."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cop_filter.errors import StateError
from cop_filter.policy import ListPolicy, Policy, ProfilePolicy
from cop_filter.verdict import Answer, LegalBasis, Plane

FORMAT = 2
_READ_FORMATS = (1, FORMAT)
"""Of the first, lists have no version, expiry or attachments."""


@dataclass(frozen=True, slots=True)
class ListState:
    """One list in a generation. `digest` is that of the bytes it was made from (sha256, hex).

    `published_at` is in seconds since the epoch; None: never loaded yet, it holds nothing. `version` and
    `expires_at` (Unix seconds) are what the authority's signatures say, if they say it. `attachments` are
    the digests of its sealed files, by name (see `attachments`).
    """

    policy: ListPolicy
    entries: int = 0
    published_at: float | None = None
    digest: str = ""
    version: int | None = None
    expires_at: float | None = None
    attachments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """`lists` are in the order of their numbers. `index_code` is the index file's own code (hex).

    Manifests from before there were profiles have none: their lists hold for everybody.
    """

    generation: int
    created_at: float
    steering: bool
    lists: tuple[ListState, ...]
    index_code: str
    profiles: tuple[ProfilePolicy, ...] = ()

    @property
    def policy(self) -> Policy:
        """The rules of this generation."""
        return Policy(
            [state.policy for state in self.lists],
            steering=self.steering,
            generation=self.generation,
            profiles=self.profiles,
        )

    def number_of(self, list_id: str) -> int | None:
        """The number under which the index holds a list."""
        for number, state in enumerate(self.lists):
            if state.policy.id == list_id:
                return number
        return None

    def state_of(self, list_id: str) -> ListState | None:
        """What is said of a list; None: this generation does not know it."""
        number = self.number_of(list_id)
        return None if number is None else self.lists[number]

    def to_bytes(self, key: bytes) -> bytes:
        """A line with an authentication code (HMAC-SHA256, hex), then JSON."""
        body = json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, indent=1).encode()
        return _code(body, key) + b"\n" + body

    @staticmethod
    def from_bytes(raw: bytes, key: bytes) -> "Manifest":
        """Read and verify; raises StateError when it is corrupt, foreign or of another version."""
        code, _, body = raw.partition(b"\n")
        if not hmac.compare_digest(code, _code(body, key)):
            raise StateError("manifest refused: it is corrupt or was made with another key")
        fields = json.loads(body)
        if fields.pop("format") not in _READ_FORMATS:
            raise StateError(
                "manifest refused: it is of another version; run `cop-filter sync` to make a new one"
            )
        fields["lists"] = tuple(_list_state(state) for state in fields["lists"])
        fields["profiles"] = tuple(
            ProfilePolicy(profile["id"], tuple(profile["lists"])) for profile in fields.get("profiles", ())
        )
        return Manifest(**fields)


def _code(body: bytes, key: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode()


def _list_state(fields: dict[str, Any]) -> ListState:
    policy = fields["policy"]
    policy["legal_basis"] = LegalBasis(policy["legal_basis"])
    policy["planes"] = tuple(Plane(plane) for plane in policy["planes"])
    policy["answer"] = Answer(policy["answer"])
    return ListState(**{**fields, "policy": ListPolicy(**policy)})
