"""Lists that are broken, hostile or huge."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_lists import raw_sample, read

from cop_filter import formats
from cop_filter.errors import BadFormat

SECRET = "zqxsecretxqz"
SINGLE = [name for name in formats.FORMATS if name != "ut1"]


def _raw(name: str, body: bytes) -> dict[str, bytes]:
    return {"domains": body, "urls": body} if name == "ut1" else {"": body}


@pytest.mark.parametrize("name", [*formats.FORMATS, "auto"])
@given(body=st.one_of(st.binary(), st.text(alphabet='aé.:/*=?#;,"(){}[]\\\n\r\t\0 $@0<').map(str.encode)))
def test_any_bytes_are_read_or_refused_and_nothing_else_is_raised(name: str, body: bytes) -> None:
    try:
        chunks = list(formats.parse(_raw(name, body), format=name))
    except BadFormat:
        return
    assert chunks
    assert all(len(chunk.errors) <= chunk.lines for chunk in chunks)


HEADS = {"csv": "id,url\n1,", "rpz": "@ SOA a. b. 1 2 3 4 5\n", "jsonl": '{"url": "', "hosts": "0.0.0.0 "}
TAILS = {"rpz": " CNAME .\n", "jsonl": '"}\n'}


def _reported(raw: dict[str, bytes], name: str) -> list[formats.LineError] | BadFormat:
    try:
        return read(raw, format=name)[1]
    except BadFormat as refusal:
        return refusal


@pytest.mark.parametrize("name", [*formats.FORMATS, "auto"])
@given(before=st.text(max_size=20), after=st.text(max_size=20), bare=st.booleans())
def test_no_error_ever_holds_the_text_of_a_line(name: str, before: str, after: str, bare: bool) -> None:
    line = before + SECRET + after
    text = line if bare else HEADS.get(name, "") + line + TAILS.get(name, "")
    reported = _reported(_raw(name, text.encode(errors="replace")), name)
    assert SECRET not in repr(reported).lower()
    if isinstance(reported, BadFormat):
        assert reported.__cause__ is None
        assert reported.__context__ is None or reported.__suppress_context__


@pytest.mark.parametrize("name", formats.FORMATS)
@given(cut=st.floats(0, 1))
def test_a_list_cut_off_anywhere_is_read_or_refused(name: str, cut: float) -> None:
    raw = {member: body[: int(cut * len(body))] for member, body in raw_sample(name).items()}
    whole = set(read(raw_sample(name), format=name)[0])
    try:
        entries, errors = read(raw, format=name)
    except BadFormat:
        return
    # What stands before the cut is as it was; only the line that was cut can differ.
    assert len(set(entries) - whole) + len(errors) <= len(raw) + 1


@pytest.mark.parametrize("name", SINGLE)
def test_a_list_without_entries_yields_an_empty_chunk_and_is_not_overlooked(name: str) -> None:
    body = {"csv": b"url\n", "rpz": b"@ SOA a. b. 1 2 3 4 5\n"}.get(name, b"")
    assert list(formats.parse({"": body}, format=name)) == [formats.Chunk([], [], 0)]


# In a process of its own, for a peak of its own (VmHWM: getrusage would tell that of pytest).
_READ_A_MILLION = """
import re
from pathlib import Path
from cop_filter.formats import parse

def peak_kib():
    return int(re.search(r"VmHWM:\\s*([0-9]+) kB", Path("/proc/self/status").read_text())[1])

body = b"".join(b"host-number-%d.bulk.example\\n" % number for number in range(10_000)) * 100
for _ in parse({"": body[:10_000]}, format="plain"):
    pass
before_kib = peak_kib()
entries = sum(len(chunk.entries) for chunk in parse({"": body}, format="plain"))
print(entries, peak_kib() - before_kib)
"""


def test_a_million_lines_are_read_in_bounded_memory() -> None:
    command = [sys.executable, "-c", _READ_A_MILLION]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    entries, grown_kib = map(int, run.stdout.split())
    assert entries == 1_000_000
    assert grown_kib < 24 * 1024  # the body alone has 27 MiB, its entries would have 200


def test_chunks_are_small_however_long_the_list_is() -> None:
    body = b"h.bulk.example\n" * 200_000
    chunks = [chunk.lines for chunk in formats.parse({"": body}, format="plain")]
    assert sum(chunks) == 200_000
    assert max(chunks) < 32_768
