"""What no single key can know: duplicates, keys that need or exclude each other, colliding sockets."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from cop_filter.config import profiles, transports
from cop_filter.config.keys import CREDENTIAL_FIELDS, Sections
from cop_filter.config.table import Values
from cop_filter.verdict import Answer, Plane


def check(sections: Sections, problems: list[str]) -> None:
    """Append every broken rule to `problems`; a key that could not be read breaks no rule here."""
    if "group" in sections.top and "user" not in sections.top:
        problems.append("user: is missing; a group needs the user whom it is for")
    _one_of(sections.top, "", ("key_file", "key_env", "key_credential"), problems)
    _push(sections.push or {}, problems)
    _unique_ids("lists", sections.lists, problems)
    _unique_ids("profiles", sections.profiles, problems)
    for place, values in enumerate(sections.lists):
        where = f"lists[{place}]"
        _credentials(values, where, problems)
        transports.check(values, where, problems)
        _approvals(values, where, problems)
        _splash_answer(values, where, sections, problems)
    for place, values in enumerate(sections.exemptions):
        if "recorded" in values and "until" in values and values["until"] < values["recorded"]:
            problems.append(f"exemptions[{place}].until: is before recorded; write the last day it holds")
    profiles.check(sections, problems)
    _sockets(sections, problems)
    _proxy_clients(sections.proxy or {}, problems)


def _unique_ids(array: str, tables: list[Values], problems: list[str]) -> None:
    first: dict[str, int] = {}
    for place, values in enumerate(tables):
        if "id" not in values:
            continue
        # Case is folded because ids become file names somewhere, and two lists must never share one.
        earlier = first.setdefault(values["id"].lower(), place)
        if earlier != place:
            problems.append(f"{array}[{place}].id: {values['id']!r} is already the id of {array}[{earlier}]")


def _credentials(values: Values, where: str, problems: list[str]) -> None:
    given = [name for name in values if name in CREDENTIAL_FIELDS]
    for one, other in (
        ("bearer_token_file", "bearer_token_env"),
        ("password_file", "password_env"),
        ("bearer_token_file", "username"),
        ("bearer_token_env", "username"),
    ):
        if one in values and other in values:
            problems.append(f"{where}.{other}: cannot stand beside {one}; keep one of the two")
    has_password = "password_file" in values or "password_env" in values
    if "username" in values and not has_password:
        problems.append(f"{where}.username: needs a password; add password_file or password_env")
    if has_password and "username" not in values:
        problems.append(f"{where}.username: is missing; a password needs the user it belongs to")
    if "client_key_file" in values and "client_certificate_file" not in values:
        problems.append(f"{where}.client_certificate_file: is missing; client_key_file needs it")
    scheme = urlsplit(values.get("source", "https:")).scheme
    if given and (scheme == "http" or scheme.endswith("+http")):
        problems.append(f"{where}.source: {given[0]} would cross the network in clear; use https://")
    if scheme == "file":
        problems.extend(
            f"{where}.{name}: has no use for a file: source" for name in (*given, "ca_file") if name in values
        )


def _one_of(values: Values, where: str, names: tuple[str, ...], problems: list[str]) -> None:
    given = [name for name in names if name in values]
    if len(given) > 1:
        problems.append(f"{where}{given[1]}: cannot stand beside {given[0]}; keep one of them")


def _push(values: Values, problems: list[str]) -> None:
    _one_of(values, "push.", ("token_file", "token_env"), problems)
    if "listen" in values and not {"token_file", "token_env"} & values.keys():
        problems.append("push.token_file: is missing; without a token anybody could have lists fetched")


def _approvals(values: Values, where: str, problems: list[str]) -> None:
    approvers = [person for person in values.get("approvers", ()) if person is not None]
    if values.get("approvals", 1) > max(len(approvers), 1):
        problems.append(f"{where}.approvals: needs more people than approvers names")
    if len({person.name for person in approvers}) < len(approvers) or (
        len({person.key for person in approvers}) < len(approvers)
    ):
        problems.append(f"{where}.approvers: two share a name or a key; each person needs both alone")


def _splash_answer(values: Values, where: str, sections: Sections, problems: list[str]) -> None:
    asks_dns = Plane.DNS in values.get("planes", (Plane.DNS,))
    wants_page = values.get("answer", Answer.SPLASH) is Answer.SPLASH
    if sections.dns is not None and sections.splash is None and asks_dns and wants_page:
        problems.append(
            f"{where}.answer: 'splash' needs the page's addresses: add [splash] with addresses, "
            "or choose nxdomain, nodata or refused"
        )


def _proxy_clients(values: Values, problems: list[str]) -> None:
    listen = values.get("listen")
    unread = any(problem.startswith("proxy.clients") for problem in problems)
    if listen and "clients" not in values and not unread and not ip_address(listen.host).is_loopback:
        problems.append(
            "proxy.clients: is missing; a proxy that others can reach needs the networks of those who may "
            'use it: write clients = ["198.51.100.0/24"] with your own'
        )


def _sockets(sections: Sections, problems: list[str]) -> None:
    taken: dict[object, str] = {}
    for name in ("dns", "proxy", "splash", "metrics", "push"):
        values: Values | None = getattr(sections, name)
        listen = (values or {}).get("listen")
        several = name == "dns"
        for place, socket in enumerate(listen if several and listen else [listen] if listen else []):
            if socket is None:
                continue
            where = f"{name}.listen[{place}]" if several else f"{name}.listen"
            earlier = taken.setdefault(socket, where)
            if earlier != where:
                problems.append(f"{where}: is already taken by {earlier}")
    for place, socket in enumerate((sections.dns or {}).get("upstreams", ())):
        if socket in taken:
            problems.append(f"dns.upstreams[{place}]: is {taken[socket]}; queries would run in a circle")
