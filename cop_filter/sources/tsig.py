"""Transaction signatures (TSIG, RFC 8945): the key of a list, and the proof that an answer is made with it.

The secret is read at each use and lives no longer than a transfer, so that rotating it needs no restart.
"""

import base64
import binascii
import struct
from collections.abc import Callable

import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig

from cop_filter import private_file
from cop_filter.config import ListConfig
from cop_filter.errors import FetchFailed, ProvenanceFailed

_MAX_SECRET_BYTES = 4096
_MOST_UNSIGNED = 99
"""Messages in a row that may go unsigned within a transfer (RFC 8945 §5.3.1)."""

_PEERS_WORD = {
    dns.tsig.PeerBadKey: "it does not know the key: check tsig_name",
    dns.tsig.PeerBadSignature: "the signature is wrong: check tsig_file",
    dns.tsig.PeerBadTime: "the clocks differ",
}


def key_of(wanted: ListConfig) -> dns.tsig.Key | None:
    """The key that a list's transfers are signed with, or None. Reads a file: call it in a thread.

    Raises FetchFailed when the secret cannot be had; no message carries it, or where it is kept.
    """
    if wanted.tsig_name is None or wanted.tsig_file is None:
        return None
    try:
        written = private_file.read(wanted.tsig_file, _MAX_SECRET_BYTES)
        secret = base64.b64decode(written.strip(), validate=True)
        name = dns.name.from_text(wanted.tsig_name)
    except private_file.ReadableByOthersError:
        raise FetchFailed("tsig_file is readable by others: chmod 600 it") from None
    except OSError as error:
        raise FetchFailed(f"cannot read tsig_file: {error.strerror or 'input/output error'}") from None
    except (binascii.Error, ValueError):
        raise FetchFailed("tsig_file does not hold a secret in base64") from None
    except dns.exception.DNSException:
        raise FetchFailed("tsig_name is no domain name") from None
    if not secret:
        raise FetchFailed("tsig_file does not hold a secret in base64")
    return dns.tsig.Key(name, secret, wanted.tsig_algorithm)


class Proof:
    """That the messages of one answer are made by who has the key, for this very question.

    `asked_mac` is the signature of the question; `clock` gives Unix time.
    """

    def __init__(self, key: dns.tsig.Key, asked_mac: bytes, clock: Callable[[], float]) -> None:
        self._key = key
        self._asked_mac = asked_mac
        self._clock = clock
        self._context: dns.tsig.HMACTSig | dns.tsig.GSSTSig | None = None
        self._unsigned = 0

    def check(self, wire: bytes, tsig_at: int | None) -> None:
        """Take the next message; `tsig_at` is where its signature begins. Raises ProvenanceFailed."""
        if tsig_at is not None:
            self._validate(wire, tsig_at)
            self._unsigned = 0
            return
        self._unsigned += 1
        if self._context is None or self._unsigned > _MOST_UNSIGNED:
            raise ProvenanceFailed("the answer is not signed (TSIG)")
        self._context.update(wire)  # type: ignore[no-untyped-call]  # theirs to annotate

    def end(self) -> None:
        """The last message has come. Raises ProvenanceFailed unless it was signed."""
        if self._unsigned:
            raise ProvenanceFailed("the end of the answer is not signed (TSIG)")

    def _validate(self, wire: bytes, at: int) -> None:
        try:
            owner, used = dns.name.from_wire(wire, at)
            start = at + used + 10
            (length,) = struct.unpack_from("!H", wire, start - 2)
            rdata = dns.rdata.from_wire(dns.rdataclass.ANY, dns.rdatatype.TSIG, wire, start, length)
            self._context = dns.tsig.validate(  # type: ignore[no-untyped-call]  # theirs to annotate
                wire, self._key, owner, rdata, int(self._clock()), self._asked_mac, at, self._context, True
            )
        except dns.tsig.PeerError as error:
            word = _PEERS_WORD.get(type(error), "check tsig_algorithm")
            raise ProvenanceFailed(f"the server refuses our TSIG key: {word}") from None
        except dns.tsig.BadTime:
            raise ProvenanceFailed("the answer's TSIG is of another time: check the clocks") from None
        except (dns.tsig.BadKey, dns.tsig.BadAlgorithm):
            raise ProvenanceFailed("the answer is signed with another TSIG key") from None
        except (dns.exception.DNSException, struct.error, ValueError, NotImplementedError):
            raise ProvenanceFailed("the answer's TSIG is wrong") from None
