"""The other side of a signed list: for an authority or a hotline that has no system of its own.

A folder for its owner's eyes holds the entries; `desk` is everything that is done with it::

    add, remove ──> entries ──> copies (watermarks) ──> version ──> signatures ──> publishing

The documents that it writes are those of `provenance`; docs/authorities.md tells how to work with it.
"""
