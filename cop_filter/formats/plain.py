"""Plain lines: one entry a line, in the grammar of `entries`.

Comments begin with `#`, `;` or `!` at the start of a line, or with `#` after white space (elsewhere
`#` begins a URL's fragment).
"""

import re
from collections.abc import Iterator, Sequence

from cop_filter.formats.chunk import Chunk, chunk_of
from cop_filter.formats.text import line_chunks

_COMMENT = re.compile(r"^\s*[#;!].*|\s#.*")


def parse(body: bytes) -> Iterator[Chunk]:
    """Read the list as a stream of chunks. Raises BadFormat."""
    for first, lines in line_chunks(body):
        numbers, texts = numbered_texts(first, lines)
        yield chunk_of(numbers, texts)


def numbered_texts(first: int, lines: list[str]) -> tuple[Sequence[int], list[str]]:
    """What the lines hold, without comments and blank lines, and the line number of each."""
    joined = "".join(lines)
    if "#" in joined or ";" in joined or "!" in joined:
        lines = [
            _COMMENT.sub("", line) if "#" in line or ";" in line or "!" in line else line for line in lines
        ]
    # In most lists there is no white space at all, which is quick to know.
    texts = lines if joined.split(None, 1) == [joined] else [line.strip() for line in lines]
    if "" not in texts:
        return range(first, first + len(texts)), texts
    numbers = [number for number, text in enumerate(texts, first) if text]
    return numbers, [text for text in texts if text]
