"""Ed25519 keys and signed JSON documents: lists, approvals, checkpoints and certificates are all signed so.

keys ──> envelope: {"signed": {...}, "signatures": [{"key": id, "signature": base64}, ...]}
"""

from cop_filter.signing.envelope import SignedDocument, read, seal
from cop_filter.signing.keys import Person, PublicKey, SigningKey

__all__ = ["Person", "PublicKey", "SignedDocument", "SigningKey", "read", "seal"]
