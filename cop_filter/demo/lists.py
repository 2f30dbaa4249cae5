"""What the demo's authority publishes. All names are synthetic."""

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import cop_filter
from cop_filter.demo.authority import HOST

NATIONAL = "national.txt"
NATIONAL_TEXT = """\
# One entry of every kind. Edit this file while the demo is running (--keep), and see the network follow.

# Names: with all their subdomains; only the subdomains; only this very name
bad.example
schädlich.example
*.below.example
=only.hosts.example

# Addresses: a page; a page with any query; everything below a path; a path with wildcards
http://site.example/listed.html
http://site.example/search?*
http://site.example/gallery/
http://site.example/user/*/album
"""
MISTAKEN_TEXT = f"{NATIONAL_TEXT}{HOST}\n"
"""A mistake of the authority's: its own server. The filter never blocks what it needs itself."""

_MEMBERSHIP = 'legal_basis = "membership"'


@dataclass(frozen=True, slots=True)
class Published:
    """One list: what is served under which name, and what the operator's configuration says of it."""

    id: str
    file: str
    body: bytes
    settings: tuple[str, ...]
    interval: str = "5s"


OWN: tuple[Published, ...] = (
    Published("national", NATIONAL, NATIONAL_TEXT.encode(), (_MEMBERSHIP, 'answer = "splash"'), "1s"),
    Published("court", "court.txt", b"court.example\n", ('legal_basis = "order"', 'answer = "nxdomain"')),
    Published(
        "school", "school.txt", b"games.example\n", ('legal_basis = "subscriber"', 'answer = "refused"')
    ),
    Published("trial", "trial.txt", b"trial.example\n", (_MEMBERSHIP, 'mode = "observe"')),
)
"""The demo's own: one list for each legal basis, and one that is only tried out."""

SAMPLES = Path(cop_filter.__file__).parents[1] / "lists" / "samples"
"""Part of the repository, not of an installed package."""

FORMATS = {
    "plain": "plain.txt",
    "hosts": "hosts.txt",
    "csv": "list.csv",
    "jsonl": "list.jsonl",
    "rpz": "rpz.zone",
    "ut1": "ut1",
}
FORMATS_WITH_URLS = ("plain", "csv", "jsonl", "ut1")


def samples(folder: Path = SAMPLES) -> tuple[Published, ...]:
    """The sample list of each format; none where the folder is not there."""
    if not folder.is_dir():
        return ()
    return tuple(
        Published(
            f"sample-{name}",
            file if (folder / file).is_file() else f"{file}.tar.gz",
            _body(folder / file),
            (f'format = "{name}"', _MEMBERSHIP),
        )
        for name, file in FORMATS.items()
    )


def _body(path: Path) -> bytes:
    if path.is_file():
        return path.read_bytes()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for member in sorted(path.iterdir()):
            archive.add(member, f"{path.name}/{member.name}")
    return packed.getvalue()
