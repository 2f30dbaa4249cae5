"""What each way to fetch a list needs beside its address, and what it has no use for."""

from typing import NamedTuple
from urllib.parse import urlsplit

from cop_filter.config.table import Values


class _Needs(NamedTuple):
    """Keys that only these schemes have a use for; `required` are those without which they cannot work."""

    schemes: tuple[str, ...]
    keys: tuple[str, ...]
    required: tuple[str, ...]


_NEEDS = (
    _Needs(("signed+https", "signed+http"), ("keys", "threshold"), ("keys",)),
    _Needs(("tuf+https", "tuf+http"), ("tuf_root_file", "tuf_target"), ("tuf_root_file", "tuf_target")),
    _Needs(("axfr",), ("tsig_name", "tsig_file", "tsig_algorithm"), ()),
)


def check(values: Values, where: str, problems: list[str]) -> None:
    """Append what is missing or out of place for the list's source to `problems`."""
    if "source" not in values:
        return
    parts = urlsplit(values["source"])
    for schemes, keys, required in _NEEDS:
        if parts.scheme in schemes:
            problems += [
                f"{where}.{name}: is missing; a {schemes[0]}: source needs it"
                for name in required
                if name not in values
            ]
        else:
            problems += [
                f"{where}.{name}: has no use for this source; it belongs to {schemes[0]}:"
                for name in keys
                if name in values
            ]
    if values.get("threshold", 1) > len(values.get("keys", ())) and "keys" in values:
        problems.append(f"{where}.threshold: needs more signatures than there are keys")
    if parts.scheme == "axfr" and not parts.path.strip("/"):
        problems.append(f"{where}.source: names no zone; write axfr://192.0.2.53/rpz.authority.example")
    if parts.scheme == "axfr" and values.get("format", "auto") not in ("auto", "rpz"):
        problems.append(f"{where}.format: is {values['format']!r}; what axfr: transfers is always rpz")
    for one, other in (("tsig_name", "tsig_file"), ("tsig_file", "tsig_name")):
        if one in values and other not in values:
            problems.append(f"{where}.{other}: is missing; {one} needs it")
