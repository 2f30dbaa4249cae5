"""What proves that a list is the authority's and its newest: documents, and when to believe them. Pure.

Specified in docs/authorities.md::

    N.keys.json   KeySet        whose signatures count, and how many; each new one is signed by the one before
    manifest.json ListManifest  version, validity, length and digest of the list, and of what changed
    *.json        Change        the lines that come and go between two versions

`sources.signed` reads them, `authority` writes them.
"""

from cop_filter.provenance.change import Change
from cop_filter.provenance.cosigning import claim, cosigned
from cop_filter.provenance.key_set import KEYS, KeySet
from cop_filter.provenance.list_manifest import LIST, ChangeFile, ListManifest

__all__ = ["KEYS", "LIST", "Change", "ChangeFile", "KeySet", "ListManifest", "claim", "cosigned"]
