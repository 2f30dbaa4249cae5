"""Every entry of every format, from the list's bytes to the verdict: all it covers in all its spellings, and
nothing beside it. What an entry covers is written down here a second time, as plainly as it can be."""

# ruff: noqa: RUF001 - spellings that look alike are what is tested here

import re

import pytest
from generations import a_config
from sample_lists import raw_sample, read

import cop_filter
from cop_filter import compiler, formats
from cop_filter.store import Store
from cop_filter.verdict import Action, Kind


def covers_host(entry, host):
    if entry.kind is Kind.HOST:
        return host == entry.key
    below = host.endswith("." + entry.key)
    return entry.kind is Kind.DOMAIN and (below or (host == entry.key and not entry.only_below))


def covers(entry, host, path, query):
    if entry.kind in (Kind.DOMAIN, Kind.HOST):
        return covers_host(entry, host)
    page = host + path
    whole = page + ("?" + query if query else "")
    if entry.kind is Kind.KEYWORD:
        return entry.key in re.findall("[a-z0-9]+", whole.lower())
    if entry.kind is Kind.PREFIX:
        return page.startswith(entry.key)
    text = page if entry.any_query else whole
    if entry.kind is Kind.PATTERN:
        return re.fullmatch("[^/?]*".join(map(re.escape, entry.key.split("*"))), text) is not None
    return text == entry.key


def questions_about(entry):
    """Addresses that the entry covers, and those around it: (host, path, query)."""
    if entry.kind in (Kind.DOMAIN, Kind.HOST):
        name = entry.key
        hosts = [name, "www." + name, "a.b." + name, "not" + name, name + ".invalid", name.partition(".")[2]]
        return [(host, "/any/page", "") for host in hosts]
    if entry.kind is Kind.KEYWORD:
        word = entry.key
        texts = [word, word.upper(), "x-" + word, "x" + word, word + "s", word[:-1], f"{word}/{word}"]
        return [("any.example", f"/{text}", "") for text in texts] + [("any.example", "/", f"q={word}")]
    host, _, rest = entry.key.partition("/")
    path, _, query = ("/" + rest.replace("*", "xy")).partition("?")
    above = path.rstrip("/").rpartition("/")[0]
    around = [path + "x", path + "/x", "/x" + path, above + "/", above or "/", path.rstrip("/") or "/", "/",
              path.replace("xy", "x/y"), path.replace("xy", "").replace("//", "/")]  # fmt: skip
    below = [path + "x/y", path + "x?y"] if entry.kind is Kind.PREFIX else []
    return [
        *((host, each, query) for each in (path, *around)),
        *((host, *(each + "?").split("?")[:2]) for each in below),
        *((host, path, each) for each in ("", "x=1", query + "&x", query.upper())),
        *((each, path, query) for each in ("www." + host, "x" + host, host.partition(".")[2] + ".example")),
    ]


def spellings(host, path, query):
    """One address as browsers and mischief write it. Each must get the verdict of the plain one."""
    whole = path + ("?" + query if query else "")
    at = f"{host}{whole}"
    escaped = "".join(f"%{byte:02x}" if chr(byte).isalnum() else chr(byte) for byte in path.encode())
    yield from (f"http://{at}", f"https://{at}", f"wss://{at}", f"HTTP:\\\\{at}", f" http://{at}#top\n")
    yield from (f"http://{host}:80{whole}", f"http://{host}.:8443{whole}", f"http://u:p@{at}")
    yield f"http://{host.upper()}{whole}"
    yield f"http://{host}{escaped}{'?' + query if query else '?'}"
    yield f"http://{host}{escaped.replace('%', '%2525')}{'?' + query if query else ''}"
    yield f"http://{host}/./x/..//{whole}"
    yield f"http://{host}\\x/y\\%2E%2e/..\\{whole[1:]}"
    yield "ht\ttp://" + "\n".join(at)
    if host.replace(".", "").isdigit():
        number = sum(int(part) << 8 * (3 - place) for place, part in enumerate(host.split(".")))
        for form in (str(number), hex(number), f"0{number:o}", f"[::ffff:{host}]", host.replace(".", "。")):
            yield f"http://{form}{whole}"
    else:
        yield f"http://{host.replace('.', '。').replace('e', 'ｅ')}{whole}"
        yield f"http://{host.replace('e', '%65').replace('.', '%2E')}{whole}"


@pytest.mark.parametrize("sample", formats.FORMATS)
def test_what_is_listed_is_blocked_in_every_spelling_and_nothing_else_is(tmp_path, sample):
    entries, errors = read(raw_sample(sample), format=sample)
    assert entries
    assert not errors
    with compiler.draft(Store(tmp_path), a_config(tmp_path)) as draft:
        draft.replace("national", entries)
        draft.publish()
    engine = cop_filter.open(tmp_path)
    seen = set()
    for entry in entries:
        for host, path, query in questions_about(entry):
            listed = any(covers(each, host, path, query) for each in entries)
            seen.add((entry.kind, listed))
            for url in spellings(host, path, query):
                assert engine.decide_url(url).stops is listed, (url, entry.kind)
            for plane in ("dns", "tls"):
                stops = any(covers_host(each, host) for each in entries)
                assert engine.decide_host(host.upper() + ".", plane).stops is stops
                url_on_plane = engine.decide_url(f"http://{host}{path}?{query}", plane)
                assert (url_on_plane.action is Action.BLOCK) is stops
    assert seen == {(kind, listed) for kind in {entry.kind for entry in entries} for listed in (True, False)}
