"""Every error that this project raises on purpose.

Split by what the caller does about it::

    CopFilterError
    ├── InvalidUrl       a word is no URL or host: refuse the question (HTTP 400, DNS: not listed)
    ├── InvalidEntry     one line of a list is no entry: count it, report its number, go on
    ├── ListRefused      a list may not go live: keep the last good one, report, try again later
    │   ├── FetchFailed  the transport failed: unreachable, wrong status, truncated, too large
    │   ├── ProvenanceFailed  it is not proven to be the authority's, or not its newest
    │   ├── BadFormat    the bytes are not a list of the declared format
    │   └── GuardFailed  the list is well formed, and still not believable
    ├── ConfigError      the configuration is wrong: fatal at start, all problems at once
    ├── SignatureRefused a signed document or a key is not what it should be
    ├── QuarantineRefused  a quarantined version is not there, or who asks may not do that with it
    ├── AuditBroken      the audit log was edited, cut or exchanged
    ├── Held             a rollback holds: publish nothing until an operator releases it
    └── StateError       the state folder cannot serve: no generation, foreign files, busy writer
        └── IndexRefused an index file is corrupt, foreign, or sealed with another key

No message ever carries a listed name or URL, an allowed name, a client address or a secret.
"""

from collections.abc import Sequence


class CopFilterError(Exception):
    """Base of all errors raised on purpose."""


class InvalidUrl(CopFilterError, ValueError):
    """The word has no canonical form; the message says why and never repeats the word."""


class InvalidEntry(CopFilterError, ValueError):
    """A line of a list is no entry; the message gives the reason and never the line's text."""


class ListRefused(CopFilterError):
    """A fetched list may not go live; the last good one stays in force."""


class FetchFailed(ListRefused):
    """The list could not be fetched whole."""


class ProvenanceFailed(ListRefused):
    """Nothing proves that this is the authority's list, or the newest of its lists."""


class BadFormat(ListRefused):
    """The bytes are not a list of the declared (or of any one detectable) format."""


class GuardFailed(ListRefused):
    """The list was read, and what it would do to the network is not believable."""


class ConfigError(CopFilterError):
    """The configuration is wrong; `problems` names every mistake with its key path."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class SignatureRefused(CopFilterError):
    """A signed document has too few good signatures, or a key cannot be used."""


class QuarantineRefused(CopFilterError):
    """What is asked of a quarantined version cannot be done; the message says why."""


class AuditBroken(CopFilterError):
    """The audit log is not the one that was written; the message says where it begins to differ."""


class Held(CopFilterError):
    """An operator has put an older generation in force, and nothing may take its place yet."""


class StateError(CopFilterError):
    """The state folder cannot be used as asked; the message says what to do."""


class IndexRefused(StateError):
    """An index file is corrupt, foreign, of another version, or sealed with another key."""
