"""The configuration file: what is read, and that every mistake is named at once."""

from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cop_filter.config import Address, Config, load
from cop_filter.errors import ConfigError
from cop_filter.verdict import Answer, LegalBasis, Plane

OPERATOR = """
[operator]
name = "Example Net"
responsible_officer = "Child safety officer, safety@isp.example"
appeals = "https://isp.example/appeal"
hotline = "https://hotline.example"
"""
LIST = """
[[lists]]
id = "national"
source = "https://lists.authority.example/urls.txt"
authority = "Example Hotline"
category = "csam"
legal_basis = "membership"
"""
DNS = """
[dns]
listen = ["127.0.0.1:5353", "[::1]:5353"]
upstreams = ["192.0.2.53", "[2001:db8::53]:5300", "2001:db8::54"]
clients = ["127.0.0.0/8", "::1/128", "192.0.2.7"]
"""
SPLASH = """
[splash]
listen = "127.0.0.1:8081"
addresses = ["192.0.2.80", "2001:db8::80"]
"""
CHOSEN = """
[[lists]]
id = "chosen"
source = "https://lists.example/chosen.txt"
authority = "Example Schools"
category = "games"
legal_basis = "subscriber"
"""
TOP = 'state_dir = "/var/lib/cop-filter"\n'
MINIMAL = TOP + OPERATOR + LIST


@pytest.fixture
def read(tmp_path: Path):
    def read_text(text: str) -> Config:
        path = tmp_path / "cop-filter.toml"
        path.write_text(text, encoding="utf-8")
        return load(path)

    return read_text


@pytest.fixture
def problems(read):
    def problems_of(text: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            read(text)
        return list(caught.value.problems)

    return problems_of


def test_a_minimal_file_gets_the_defaults(read) -> None:
    config = read(MINIMAL)
    (national,) = config.lists
    assert config.state_dir == Path("/var/lib/cop-filter")
    assert config.operator.hotline == "https://hotline.example"
    assert national.planes == (Plane.DNS, Plane.TLS, Plane.HTTP)
    assert (national.format, national.answer, national.mode) == ("auto", Answer.SPLASH, "enforce")
    assert national.on_failure == "closed"
    assert national.interval_s == 900
    assert national.legal_basis is LegalBasis.MEMBERSHIP
    assert (config.dns, config.proxy, config.splash, config.metrics) == (None, None, None, None)


def test_every_key_of_a_list_is_read_with_its_unit(read, tmp_path: Path) -> None:
    config = read(
        MINIMAL
        + """
format = "csv"
planes = ["http"]
answer = "nxdomain"
interval = "1.5h"
on_failure = "open"
mode = "observe"
csv_column = "address"
json_field = "address"
max_bad_share = 0.25
max_bytes = "1GiB"
max_unpacked_bytes = "2GiB"
timeout = "500ms"
max_redirects = 0
retries = 5
max_shrink = 1
max_growth = 2.5
free_change = 7
ca_file = "ca.pem"
username = "isp"
password_file = "secrets/password"
client_certificate_file = "/etc/tls/client.pem"
client_key_file = "/etc/tls/client.key"
"""
    )
    (one,) = config.lists
    assert one.format == "csv"
    assert one.planes == (Plane.HTTP,)
    assert one.answer is Answer.NXDOMAIN
    assert one.interval_s == 5400
    assert (one.on_failure, one.mode) == ("open", "observe")
    assert (one.csv_column, one.json_field) == ("address", "address")
    assert (one.max_bytes, one.max_unpacked_bytes) == (2**30, 2**31)
    assert (one.timeout_s, one.max_redirects, one.retries) == (0.5, 0, 5)
    assert (one.max_bad_share, one.max_shrink, one.max_growth, one.free_change) == (0.25, 1, 2.5, 7)
    assert one.ca_file == tmp_path / "ca.pem"
    assert one.credentials.username == "isp"
    assert one.credentials.password_file == tmp_path / "secrets/password"
    assert one.credentials.client_key_file == Path("/etc/tls/client.key")


def test_the_tables_of_the_roles_are_read(read, tmp_path: Path) -> None:
    config = read(
        MINIMAL
        + DNS
        + """
workers = 4
steer_to = ["192.0.2.81"]
blocked_ttl = "1m"
cache_size = "16MiB"
udp_payload = 1400
upstream_timeout = "1s"
control = "/run/cop-filter/dns.sock"
cookie_secret_file = "cookie.secret"
rate_limit = 200
rate_limit_slip = 0
[proxy]
listen = "192.0.2.1:8080"
clients = ["192.0.2.0/24", "2001:db8::/32"]
inspect = "none"
upstream_ca_file = "origin-ca.pem"
certificates_dir = "certificates"
[metrics]
listen = "[::1]:9153"
"""
        + SPLASH
    )
    assert config.dns is not None
    assert config.dns.listen == (Address("127.0.0.1", 5353), Address("::1", 5353))
    assert config.dns.upstreams == (
        Address("192.0.2.53", 53),
        Address("2001:db8::53", 5300),
        Address("2001:db8::54", 53),
    )
    assert config.dns.clients[2] == ip_network("192.0.2.7/32")
    assert config.dns.steer_to == (ip_address("192.0.2.81"),)
    assert (config.dns.blocked_ttl_s, config.dns.cache_bytes) == (60, 16 * 2**20)
    assert (config.dns.udp_payload_bytes, config.dns.upstream_timeout_s) == (1400, 1.0)
    assert config.dns.control == Path("/run/cop-filter/dns.sock")
    assert config.dns.cookie_secret_file == tmp_path / "cookie.secret"
    assert (config.dns.rate_limit_per_s, config.dns.rate_limit_slip) == (200, 0)
    assert config.proxy is not None
    assert config.proxy.inspect == "none"
    assert config.proxy.certificates_dir == tmp_path / "certificates"
    assert config.metrics is not None
    assert config.metrics.listen == Address("::1", 9153)


def test_a_resolver_limits_its_responses_unless_told_otherwise(read, problems) -> None:
    dns = read(MINIMAL + DNS + SPLASH).dns
    assert (dns.rate_limit_per_s, dns.rate_limit_slip, dns.cookie_secret_file) == (5000, 2, None)
    assert problems(MINIMAL + DNS + "rate_limit = -1\nrate_limit_slip = 1.5\n" + SPLASH) == [
        "dns.rate_limit: must be from 0 to 10000000",
        "dns.rate_limit_slip: must be a whole number, not a number",
    ]


def test_an_exemption_is_dated(read, problems) -> None:
    exemption = '[[exemptions]]\nentry = "good.example"\nreason = "appeal 7"\nrecorded = 2026-01-31\n'
    (one,) = read(MINIMAL + exemption + "until = 2026-07-31\n").exemptions
    assert (one.recorded, one.until) == (date(2026, 1, 31), date(2026, 7, 31))
    assert problems(MINIMAL + exemption + "until = 2025-07-31\n") == [
        "exemptions[0].until: is before recorded; write the last day it holds"
    ]
    assert problems(MINIMAL + exemption + 'until = "soon"\n') == [
        "exemptions[0].until: must be a date without quotes and without a time, such as 2026-01-31"
    ]


def test_an_exemption_that_is_no_entry_is_refused_without_repeating_it(problems) -> None:
    dates = "recorded = 2026-01-31\nuntil = 2026-07-31\n"
    (found,) = problems(MINIMAL + f'[[exemptions]]\nentry = "192.0.2.7"\nreason = "appeal 7"\n{dates}')
    assert found.startswith("exemptions[0].entry: ")
    assert "192.0.2.7" not in found


def profile(name="schools", networks='["198.51.100.0/24"]', lists='["chosen"]') -> str:
    return f'[[profiles]]\nid = "{name}"\nnetworks = {networks}\nlists = {lists}\n'


def test_a_profile_has_networks_and_lists(read) -> None:
    networks = '["198.51.100.0/24", "198.51.100.64/26", "2001:db8:5::/48"]'
    config = read(MINIMAL + CHOSEN + profile(networks=networks) + profile("libraries", '["192.0.2.7"]'))
    schools, libraries = config.profiles
    assert (schools.id, schools.lists) == ("schools", ("chosen",))
    assert schools.networks[2] == ip_network("2001:db8:5::/48")
    assert libraries.networks == (ip_network("192.0.2.7/32"),)
    assert read(MINIMAL).profiles == ()


def test_what_is_wrong_in_a_profile_is_told_with_its_key_path(problems) -> None:
    wrong = '[[profiles]]\nid = "a/b"\nnetworks = ["198.51.100.1/24"]\nlists = []\nlist = "chosen"\n'
    assert problems(MINIMAL + CHOSEN + wrong + '[[profiles]]\nid = "empty"\n') == [
        "profiles[0].id: must be 1 to 64 letters, digits, '-', '_' or '.', and start with a letter or digit",
        (
            "profiles[0].networks[0]: has bits set to the right of the prefix length; "
            "did you mean 198.51.100.0/24?"
        ),
        "profiles[0].lists: must name at least one",
        "profiles[0].list: unknown key; did you mean 'lists'?",
        "profiles[1].networks: is missing",
        "profiles[1].lists: is missing",
    ]


def test_a_profile_names_lists_that_exist_and_are_a_subscribers_choice(problems) -> None:
    assert problems(MINIMAL + CHOSEN + profile(lists='["national", "choosen", "nothing"]')) == [
        (
            "profiles[0].lists[0]: 'national' holds for everybody, because its legal_basis is 'membership'; "
            "only a 'subscriber' list can be for some"
        ),
        "profiles[0].lists[1]: no list has the id 'choosen'; did you mean 'chosen'?",
        "profiles[0].lists[2]: no list has the id 'nothing'; choose from: national, chosen",
    ]


def test_a_list_that_could_not_be_read_is_no_mistake_of_the_profile(problems) -> None:
    for broken in (CHOSEN.replace('"chosen"', '"cho/sen"'), CHOSEN.replace('"subscriber"', '"nobody"')):
        (found,) = problems(MINIMAL + broken + profile())
        assert found.startswith("lists[1].")


def test_a_client_has_one_profile_at_most(problems) -> None:
    networks = '["192.0.2.0/24", "198.51.100.128/25", "2001:db8::/32"]'
    assert problems(
        MINIMAL + CHOSEN + profile() + profile("Schools", networks) + profile("one", '["2001:db8::1"]')
    ) == [
        "profiles[1].id: 'Schools' is already the id of profiles[0]",
        "profiles[1].networks[1]: overlaps profiles[0].networks[0]; a client has one profile at most",
        "profiles[2].networks[0]: overlaps profiles[1].networks[2]; a client has one profile at most",
    ]


@pytest.mark.parametrize("kept", ["own-hosts", "never-block", "Self-Test", "exemption-1", "Exemption-12"])
def test_no_list_takes_an_id_under_which_exemptions_are_kept(problems, kept: str) -> None:
    (found,) = problems(MINIMAL.replace("national", kept))
    assert found == "lists[0].id: is an id that cop-filter keeps for its own lists"


def test_all_mistakes_are_told_at_once_each_with_its_key_path(problems) -> None:
    found = problems(
        TOP
        + OPERATOR.replace("hotline", "hotlin")
        + LIST.replace('"csam"', "3")
        + 'format = "foo"\nplanes = ["dns", "htp", "dns"]\ninterval = 15\n'
        + DNS.replace("192.0.2.53", "dns.example").replace("127.0.0.0/8", "127.0.0.1/8")
        + SPLASH
    )
    assert found == [
        "operator.hotlin: unknown key; did you mean 'hotline'?",
        "operator.hotline: is missing",
        (
            "dns.upstreams[0]: must be an IP address and a port, such as 127.0.0.1:5353 or [::1]:5353; "
            "names are not looked up here"
        ),
        "dns.clients[0]: has bits set to the right of the prefix length; did you mean 127.0.0.0/8?",
        "lists[0].category: must be text in quotes, not a number",
        "lists[0].format: 'foo' is not a format; choose from: auto, plain, hosts, csv, jsonl, rpz, ut1",
        "lists[0].planes[1]: 'htp' is not a plane; choose from: dns, tls, http",
        "lists[0].planes[2]: is there twice",
        'lists[0].interval: must be a duration with its unit, such as "30s", "15m", "1h" or "2d"',
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("lisst = 1", "lisst: unknown key; did you mean 'lists'?"),
        ("blocked_ttl = 30", "blocked_ttl: unknown key here; it belongs to [dns]"),
        ("metrics = 1", "metrics: must be a table; write [metrics] and its keys below"),
        ("exemptions = 1", "exemptions: must be a list of tables; write [[exemptions]] above each"),
    ],
)
def test_a_misplaced_key_gets_a_hint(problems, line: str, problem: str) -> None:
    assert problems(line + "\n" + MINIMAL) == [problem]


@pytest.mark.parametrize("key", ["token", "password", "bearer_token", "api_key", "client_secret"])
def test_a_secret_in_the_file_is_refused_and_never_repeated(problems, key: str) -> None:
    (problem,) = problems(MINIMAL + f'{key} = "hunter2"\n')
    assert problem.startswith(f"lists[0].{key}: secrets do not belong in this file")
    assert "bearer_token_file" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("https://isp:hunter2@lists.example/x", "must not carry a user or password"),
        ("ftp://lists.example/x", "must start with https://, http:// or file:"),
        ("lists/plain.txt", "must start with https://, http:// or file:"),
        ("https:///x", "is not a well-formed URL"),
        ("https://lists.example:99999/x", "is not a well-formed URL"),
        ("https://lists.example/x#y", "must not have a fragment"),
        ("file://lists/x.txt", "write file:relative/path or file:///absolute/path"),
        ("file:", "names no file"),
        (f"https://{'a' * 64}.example/x", "not a URL or host: its host has a label"),
    ],
)
def test_a_source_that_cannot_work_is_refused_without_repeating_it(
    problems, source: str, problem: str
) -> None:
    (found,) = problems(MINIMAL.replace("https://lists.authority.example/urls.txt", source))
    assert found.startswith(f"lists[0].source: {problem}")
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("written", "read_as"),
    [("file:lists/a%20b.txt", "lists/a b.txt"), ("file:../x.txt", "../x.txt"), ("file:///srv/x", "/srv/x")],
)
def test_a_file_source_starts_at_the_configurations_folder(
    read, tmp_path: Path, written: str, read_as: str
) -> None:
    config = read(MINIMAL.replace("https://lists.authority.example/urls.txt", written))
    assert config.lists[0].source == (tmp_path / read_as).resolve().as_uri()


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('username = "isp"', "lists[0].username: needs a password"),
        ('password_env = "P"', "lists[0].username: is missing"),
        ('bearer_token_file = "a"\nbearer_token_env = "B"', "lists[0].bearer_token_env: cannot stand beside"),
        ('client_key_file = "a"', "lists[0].client_certificate_file: is missing"),
        ('bearer_token_env = "no name"', "lists[0].bearer_token_env: must be the name of an environment"),
    ],
)
def test_credentials_that_do_not_fit_together_are_refused(problems, lines: str, problem: str) -> None:
    (found,) = problems(MINIMAL + lines + "\n")
    assert found.startswith(problem)


def test_credentials_never_cross_the_network_in_clear(problems) -> None:
    (found,) = problems(MINIMAL.replace("https://lists", "http://lists") + 'bearer_token_env = "T"\n')
    assert found == "lists[0].source: bearer_token_env would cross the network in clear; use https://"


def test_a_list_over_plain_http_without_credentials_is_allowed(read) -> None:
    text = MINIMAL.replace("https://lists", "http://lists")
    assert read(text).lists[0].source == "http://lists.authority.example/urls.txt"


def test_two_lists_never_share_an_id(problems) -> None:
    assert problems(MINIMAL + LIST.replace("national", "NATIONAL")) == [
        "lists[1].id: 'NATIONAL' is already the id of lists[0]"
    ]


def test_the_splash_answer_needs_an_address_to_give(read, problems) -> None:
    (found,) = problems(MINIMAL + DNS)
    assert found.startswith("lists[0].answer: 'splash' needs the page's addresses: add [splash]")
    assert read(MINIMAL + 'answer = "nxdomain"\n' + DNS).dns is not None
    assert read(MINIMAL + 'planes = ["http"]\n' + DNS).dns is not None
    assert read(MINIMAL + DNS + SPLASH).dns is not None


def test_a_role_can_become_a_user_of_the_configuration(read, problems) -> None:
    config = read('user = "cop-filter"\ngroup = "filters"\n' + MINIMAL)
    assert (config.user, config.group) == ("cop-filter", "filters")
    assert (read(MINIMAL).user, read(MINIMAL).group) == (None, None)
    assert problems('group = "filters"\n' + MINIMAL) == [
        "user: is missing; a group needs the user whom it is for"
    ]


def test_two_roles_never_share_a_socket(problems) -> None:
    proxy = '[proxy]\nlisten = "127.0.0.1:5353"\n'
    assert problems(MINIMAL + DNS + SPLASH + proxy) == ["proxy.listen: is already taken by dns.listen[0]"]


@pytest.mark.parametrize("listen", ["192.0.2.1:8080", "0.0.0.0:8080", "[::]:8080", "[2001:db8::1]:8080"])
def test_a_proxy_that_others_can_reach_is_never_open_by_accident(read, problems, listen: str) -> None:
    proxy = f'[proxy]\nlisten = "{listen}"\n'
    (found,) = problems(MINIMAL + proxy)
    assert found.startswith("proxy.clients: is missing; ")
    assert 'write clients = ["198.51.100.0/24"]' in found
    (found,) = problems(MINIMAL + proxy + 'clients = "10.0.0.0/8"\n')
    assert found.startswith("proxy.clients: must be a list")
    (found,) = problems(MINIMAL + proxy + 'clients = ["10.0.0.1/8"]\n')
    assert found.startswith("proxy.clients[0]: has bits set")
    config = read(MINIMAL + proxy + 'clients = ["10.0.0.0/8"]\n')
    assert config.proxy is not None
    assert config.proxy.clients == (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "127.0.0.9:8080", "[::1]:8080"])
def test_a_proxy_on_loopback_serves_loopback_alone_unless_told_otherwise(read, listen: str) -> None:
    config = read(MINIMAL + f'[proxy]\nlisten = "{listen}"\n')
    assert config.proxy is not None
    assert config.proxy.clients == (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def test_the_resolver_never_asks_itself(problems) -> None:
    dns = DNS.replace('"192.0.2.53"', '"127.0.0.1:5353"')
    assert problems(MINIMAL + dns + SPLASH) == [
        "dns.upstreams[0]: is dns.listen[0]; queries would run in a circle"
    ]


def test_a_filter_without_an_operator_or_a_list_is_a_mistake(problems) -> None:
    assert problems("") == [
        "state_dir: is missing",
        "operator: is missing; the page must say who blocks: add [operator]",
        "lists: is missing; without a list nothing is blocked: add one [[lists]]",
    ]


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x"])
def test_a_contact_is_never_a_link_that_runs(problems, link: str) -> None:
    (found,) = problems(MINIMAL.replace("https://hotline.example", link))
    assert found.startswith("operator.hotline: is a link of a kind that the page will not show")


@pytest.mark.parametrize(
    "appeals",
    [
        "HTTPS://isp.example/appeal?from=page#form",
        "http://isp.example",
        "mailto:appeals@isp.example?subject=Appeal",
        "appeals+page@isp.example",
    ],
)
def test_appeals_go_to_a_web_or_a_mail_address(read, appeals: str) -> None:
    assert read(MINIMAL.replace("https://isp.example/appeal", appeals)).operator.appeals == appeals


@pytest.mark.parametrize(
    "appeals",
    [
        "by letter",
        "write to appeals@isp.example",
        "https://isp.example/appeal or by phone",
        "tel:+15550100",
        "isp.example/appeal",
        "https://",
        "https:///appeal",
        "mailto:",
        "appeals@",
        "javascript:alert(1)//@isp.example",
    ],
)
def test_appeals_that_no_header_can_carry_are_refused(problems, appeals: str) -> None:
    (found,) = problems(MINIMAL.replace("https://isp.example/appeal", appeals))
    assert found.startswith("operator.appeals: ")
    assert "such as https://isp.example/appeal or appeals@isp.example" in found


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("retries = true", "must be a whole number, not true or false"),
        ("retries = 99", "must be from 0 to 20"),
        ('max_bad_share = "1%"', "must be a number, not text"),
        ('timeout = "2 weeks"', "must be a duration with its unit"),
        ('timeout = "2d"', "must be from 100ms to 1h"),
        ('max_bytes = "64MiBs"', "must be a size with its unit"),
        ("planes = []", "must name at least one"),
        ('planes = "dns"', "must be a list in brackets"),
        ('category = " "', "must not be empty"),
        ('category = "a\\nb"', "must be one line"),
        ('mode = "dry"', "'dry' is not a mode; choose from: enforce, observe"),
    ],
)
def test_a_wrong_value_is_told_what_to_write(problems, line: str, problem: str) -> None:
    key = line.split(" ", 1)[0]
    kept = "".join(one for one in MINIMAL.splitlines(keepends=True) if not one.startswith(key))
    (found,) = problems(kept + line + "\n")
    assert found.startswith(f"lists[0].{key}: {problem}")


def test_a_file_that_is_not_there_or_not_toml_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "a.toml").write_text("state_dir = ")
    with pytest.raises(ConfigError, match=r"a\.toml: is not TOML: Invalid value \(at "):
        load(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_bytes(b'a = "\xff"')
    with pytest.raises(ConfigError, match=r"b\.toml: is not TOML: byte 5 is not UTF-8"):
        load(tmp_path / "b.toml")


_SCALARS = st.one_of(
    st.none().map(lambda _: '""'),
    st.integers().map(str),
    st.booleans().map(lambda flag: str(flag).lower()),
    st.text(st.characters(codec="ascii", exclude_characters='"\\\n\r\x7f', min_codepoint=32)).map(
        '"{}"'.format
    ),
    st.just("[]"),
    st.just("{}"),
    st.just("2026-01-31T00:00:00"),
    st.just("[[]]"),
)


@given(
    key=st.sampled_from(
        ["id", "source", "format", "planes", "interval", "max_bytes", "ca_file", "listen", "clients", "until"]
    ),
    table=st.sampled_from(["", "[operator]", "[[lists]]", "[[exemptions]]", "[dns]", "[proxy]", "[splash]"]),
    value=_SCALARS,
)
def test_any_value_under_any_key_is_read_or_refused_with_its_path(
    tmp_path_factory: pytest.TempPathFactory, key: str, table: str, value: str
) -> None:
    path = tmp_path_factory.mktemp("config") / "c.toml"
    path.write_text(f"{table}\n{key} = {value}\n")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert all(": " in problem for problem in caught.value.problems)
