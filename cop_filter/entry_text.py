"""The text of an entry: what `entries.parse` reads back as the same entry."""

from cop_filter.entries import Entry, parse_many
from cop_filter.errors import InvalidEntry
from cop_filter.verdict import Kind


def text_of(entry: Entry) -> str:
    """The one spelling of an entry in the plain list grammar, all ASCII.

    `parse(text_of(entry))` is the entry again, up to its tag. Raises InvalidEntry for what no text leads
    back to: a keyword, which has no spelling of its own, and the rare path whose dots hid behind escapes.
    """
    match entry.kind:
        case Kind.DOMAIN:
            return f"*.{entry.key}" if entry.only_below else entry.key
        case Kind.HOST:
            return f"={entry.key}"
        case Kind.KEYWORD:
            raise InvalidEntry("a keyword has no spelling in a plain list")
        case Kind.PATTERN:
            # Every `*` stands in the path, so what is before the last one is path, too.
            path, star, rest = entry.key.rpartition("*")
            return _url(path.replace("?", "%3F") + star + _page(rest, any_query=entry.any_query), entry)
        case Kind.PREFIX:
            return _url(_literal(entry.key).replace("?", "%3F"), entry)
    key = _page(_literal(entry.key), any_query=entry.any_query)
    is_root = key.find("/") == len(key) - 1
    if key.endswith("/") and not is_root and not entry.any_query and "?" not in key:
        # Without the empty query it would be everything below.
        key += "?"
    return _url(key, entry)


def _url(key: str, entry: Entry) -> str:
    mark = "?*" if entry.any_query else ""
    text = "http://" + key.replace("\\", "%5C") + mark
    if "%" in text:
        read = parse_many([text])[0]
        if not isinstance(read, Entry) or read._replace(tag=0) != entry._replace(tag=0):
            raise InvalidEntry("no spelling is left of its path once its escapes are resolved")
    return text


def _literal(key: str) -> str:
    return key.replace("*", "%2A")


def _page(key: str, *, any_query: bool) -> str:
    """A key whose `?` are read back as they are: one at the end, and all before a `?*`, are of the path."""
    if any_query or key.find("?") == len(key) - 1:
        return key.replace("?", "%3F")
    return key
