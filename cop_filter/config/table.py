"""Reads one TOML table against its keys: wrong, missing and unknown keys are all reported."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

Reader = Callable[[object], Any]
"""Takes the TOML value, returns the checked one; raises ValueError (or ArrayError) with the reason."""

Values = dict[str, Any]
"""What could be read of one table, by dataclass field; a key that could not be read is absent."""

_SECRET = re.compile(
    r"token|passw|secret|passphrase|api_?key|authori[sz]ation|credential|private_?key", re.IGNORECASE
)


class ArrayError(ValueError):
    """Several mistakes inside one list, each with its place in it (`[2]`).

    `items` is the list as far as it could be read, None where it could not: the rules between keys
    still see the rest, so that the operator hears of every mistake in one go.
    """

    def __init__(self, faults: list[tuple[str, str]], items: tuple[Any, ...]) -> None:
        self.faults = faults
        self.items = items
        super().__init__("; ".join(f"{place}: {reason}" for place, reason in faults))


class Key(NamedTuple):
    """One key of a table: the dataclass field it fills, and how its value is read."""

    field: str
    read: Reader
    required: bool = False


class Surface(NamedTuple):
    """What the hints know: every table and its keys, and where a secret may be named."""

    tables: tuple[str, ...]

    homes: Mapping[str, str]
    """Key -> the table it belongs to, for a key written below the wrong header."""
    secret_keys: tuple[str, ...]


def read_table(
    raw: object, keys: Mapping[str, Key], path: str, problems: list[str], surface: Surface
) -> Values:
    """Read every key of one table; `path` is its key path, "" at the top of the file."""
    if not isinstance(raw, dict):
        problems.append(f"{path}: must be a table; write [{path}] and its keys below")
        return {}
    prefix = f"{path}." if path else ""
    values: Values = {}
    for name, value in raw.items():
        key = keys.get(name)
        if key is None:
            problems.append(f"{prefix}{name}: {_unknown(name, path, keys, surface)}")
            continue
        try:
            values[key.field] = key.read(value)
        except ArrayError as exc:
            problems += [f"{prefix}{name}{place}: {reason}" for place, reason in exc.faults]
            values[key.field] = exc.items
        except ValueError as exc:
            problems.append(f"{prefix}{name}: {exc}")
    problems += [
        f"{prefix}{name}: is missing" for name, key in keys.items() if key.required and name not in raw
    ]
    return values


def _unknown(name: str, path: str, keys: Mapping[str, Key], surface: Surface) -> str:
    if _SECRET.search(name):
        return (
            "secrets do not belong in this file; put the secret into a file or an environment variable "
            f"and name that with one of: {', '.join(surface.secret_keys)}"
        )
    if name in surface.homes:
        return f"unknown key here; it belongs to {surface.homes[name]}"
    known = list(keys) if path else [*keys, *surface.tables]
    close = get_close_matches(name, known, n=1)
    if close:
        return f"unknown key; did you mean {close[0]!r}?"
    return f"unknown key; choose from: {', '.join(known)}"
