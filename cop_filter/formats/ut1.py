"""squidGuard and UT1 category folders: the files `domains` and `urls`.

A line of `domains` is a name with its subdomains. A line of `urls` is a URL without its scheme: a
page, or a prefix where it ends in `/`. squidGuard itself would read every one as a prefix, and
would block what is not listed. `expressions` are regular expressions and are not read.
"""

from collections.abc import Iterator

from cop_filter.errors import BadFormat
from cop_filter.formats.chunk import Chunk, RawList, chunk_of
from cop_filter.formats.plain import numbered_texts
from cop_filter.formats.text import line_chunks

MEMBERS = ("domains", "urls")


def parse(raw: RawList) -> Iterator[Chunk]:
    """Read the folder as a stream of chunks. Raises BadFormat."""
    if not any(member in raw for member in MEMBERS):
        raise BadFormat("a ut1 list is a folder with a file `domains` or `urls`")
    return _chunks(raw)


def _chunks(raw: RawList) -> Iterator[Chunk]:
    for member in MEMBERS:
        for first, lines in line_chunks(raw.get(member, b"")):
            numbers, texts = numbered_texts(first, lines)
            if member == "urls":
                # A name alone is the root page here: only `domains` covers whole hosts.
                texts = [text if "/" in text else text + "/" for text in texts]
            yield chunk_of(numbers, texts, member)
