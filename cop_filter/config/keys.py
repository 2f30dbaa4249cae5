"""Every key that the operator may write, table by table: the surface of the configuration file.

Defaults live in the dataclasses of `model`; a key without one there is required here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from cop_filter.config.model import (
    AuditConfig,
    Config,
    Credentials,
    DnsConfig,
    ExemptionConfig,
    ListConfig,
    MetricsConfig,
    NeverBlockConfig,
    OperatorConfig,
    OracleConfig,
    ProfileConfig,
    ProxyConfig,
    PushConfig,
    RightsConfig,
    RolloutConfig,
    SelftestConfig,
    SplashConfig,
)
from cop_filter.config.places import address, ip, network, path, source
from cop_filter.config.table import Key, Surface, Values, read_table
from cop_filter.config.values import (
    array,
    boolean,
    choice,
    contact,
    day,
    duration,
    environment_name,
    exempted,
    identifier,
    integer,
    list_id,
    number,
    person,
    public_key,
    reachable,
    size,
    text,
    whole_seconds,
)
from cop_filter.verdict import Answer, Kind, LegalBasis, Plane

FORMATS = ("auto", "plain", "hosts", "csv", "jsonl", "rpz", "ut1")
"""The readers are in `cop_filter.formats`, above this layer; a test holds the two together."""

_TRUST: dict[str, Callable[..., Any]] = {
    "never_block": NeverBlockConfig,
    "rollout": RolloutConfig,
    "oracle": OracleConfig,
    "push": PushConfig,
    "selftest": SelftestConfig,
    "audit": AuditConfig,
    "rights": RightsConfig,
}
"""Tables that start no role; one that is absent has its defaults."""
_TABLES = ("operator", "dns", "proxy", "splash", "metrics", *_TRUST)
_ARRAYS = ("lists", "exemptions", "profiles")
TSIG_ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512")
"""RFC 8945 §6, without those that it advises against."""
_SECRET_KEYS = ("bearer_token_file", "bearer_token_env", "password_file", "password_env", "client_key_file")
_GIB = 2**30


@dataclass(slots=True)
class Sections:
    """What could be read of the whole file; a table that is absent is None."""

    top: Values
    operator: Values | None = None
    lists: list[Values] = field(default_factory=list)
    exemptions: list[Values] = field(default_factory=list)
    profiles: list[Values] = field(default_factory=list)
    dns: Values | None = None
    proxy: Values | None = None
    splash: Values | None = None
    metrics: Values | None = None
    never_block: Values | None = None
    rollout: Values | None = None
    oracle: Values | None = None
    push: Values | None = None
    selftest: Values | None = None
    audit: Values | None = None
    rights: Values | None = None

    def build(self) -> Config:
        """The finished configuration; only to be called when no mistake was found."""
        return Config(
            **self.top,
            operator=OperatorConfig(**(self.operator or {})),
            lists=tuple(_build_list(values) for values in self.lists),
            exemptions=tuple(ExemptionConfig(**values) for values in self.exemptions),
            profiles=tuple(ProfileConfig(**values) for values in self.profiles),
            dns=None if self.dns is None else DnsConfig(**self.dns),
            proxy=None if self.proxy is None else ProxyConfig(**self.proxy),
            splash=None if self.splash is None else SplashConfig(**self.splash),
            metrics=None if self.metrics is None else MetricsConfig(**self.metrics),
            **{name: make(**(getattr(self, name) or {})) for name, make in _TRUST.items()},
        )


CREDENTIAL_FIELDS = frozenset(one.name for one in fields(Credentials))


def _build_list(values: Values) -> ListConfig:
    own = {name: value for name, value in values.items() if name not in CREDENTIAL_FIELDS}
    secrets = {name: value for name, value in values.items() if name in CREDENTIAL_FIELDS}
    return ListConfig(**own, credentials=Credentials(**secrets))


def read(raw: dict[str, Any], base: Path, problems: list[str]) -> Sections:
    """Read every table of the file; mistakes are appended to `problems`, what is right is returned."""
    keys = keys_of(base)
    surface = Surface((*_TABLES, *_ARRAYS), _homes(keys), _SECRET_KEYS)
    scalars = {name: value for name, value in raw.items() if name not in (*_TABLES, *_ARRAYS)}
    sections = Sections(read_table(scalars, keys[""], "", problems, surface))
    for name in _TABLES:
        if name in raw:
            setattr(sections, name, read_table(raw[name], keys[name], name, problems, surface))
    for name in _ARRAYS:
        rows = raw.get(name, [])
        if not isinstance(rows, list):
            problems.append(f"{name}: must be a list of tables; write [[{name}]] above each")
            continue
        read_rows = [
            read_table(row, keys[name], f"{name}[{place}]", problems, surface)
            for place, row in enumerate(rows)
        ]
        setattr(sections, name, read_rows)
    if "operator" not in raw:
        problems.append("operator: is missing; the page must say who blocks: add [operator]")
    if not raw.get("lists", []):
        problems.append("lists: is missing; without a list nothing is blocked: add one [[lists]]")
    return sections


def _homes(keys: dict[str, dict[str, Key]]) -> dict[str, str]:
    shown = {name: f"[[{name}]]" if name in _ARRAYS else f"[{name}]" for name in keys}
    shown[""] = "the top of the file, above the first [table]"
    count = [name for table in keys.values() for name in table]
    return {name: shown[table] for table, own in keys.items() for name in own if count.count(name) == 1}


def keys_of(base: Path) -> dict[str, dict[str, Key]]:
    """The keys of every table, "" being the top of the file; relative paths start at `base`."""
    return {
        "": {
            "state_dir": Key("state_dir", path(base), required=True),
            "user": Key("user", text),
            "group": Key("group", text),
            "key_file": Key("key_file", path(base)),
            "key_env": Key("key_env", environment_name),
            "key_credential": Key("key_credential", identifier),
        },
        "operator": {
            "name": Key("name", text, required=True),
            "responsible_officer": Key("responsible_officer", text, required=True),
            "appeals": Key("appeals", reachable, required=True),
            "hotline": Key("hotline", contact, required=True),
        },
        "lists": _list_keys(base) | _credential_keys(base),
        "exemptions": {
            "entry": Key("entry", exempted, required=True),
            "reason": Key("reason", text, required=True),
            "recorded": Key("recorded", day, required=True),
            "until": Key("until", day, required=True),
        },
        "profiles": {
            "id": Key("id", identifier, required=True),
            "networks": Key("networks", array(network), required=True),
            "lists": Key("lists", array(identifier), required=True),
        },
        "dns": {
            "listen": Key("listen", array(address()), required=True),
            "upstreams": Key("upstreams", array(address(default_port=53)), required=True),
            "clients": Key("clients", array(network), required=True),
            "workers": Key("workers", integer(1, 1024)),
            "steer_to": Key("steer_to", array(ip, at_least=0)),
            "blocked_ttl": Key("blocked_ttl_s", whole_seconds(0, 86400)),
            "cache_size": Key("cache_bytes", size(0, 1024 * _GIB)),
            "udp_payload": Key("udp_payload_bytes", size(512, 4096)),
            "upstream_timeout": Key("upstream_timeout_s", duration(0.05, 30)),
            "control": Key("control", path(base)),
            "cookie_secret_file": Key("cookie_secret_file", path(base)),
            "rate_limit": Key("rate_limit_per_s", integer(0, 10_000_000)),
            "rate_limit_slip": Key("rate_limit_slip", integer(0, 100)),
        },
        "proxy": {
            "listen": Key("listen", address(), required=True),
            "clients": Key("clients", array(network)),
            "inspect": Key("inspect", choice("a way to inspect", ("listed", "none"))),
            "upstream_ca_file": Key("upstream_ca_file", path(base)),
            "certificates_dir": Key("certificates_dir", path(base)),
        },
        "splash": {
            "listen": Key("listen", address(), required=True),
            "addresses": Key("addresses", array(ip), required=True),
        },
        "metrics": {"listen": Key("listen", address(), required=True)},
        "never_block": {
            "files": Key("files", array(path(base))),
            "builtin": Key("builtin", boolean),
        },
        "rollout": {
            "soak": Key("soak_s", duration(0, 7 * 86400)),
            "share": Key("share", number(0.01, 1)),
            "max_block_jump": Key("max_block_jump", number(1, 1_000_000)),
            "min_decisions": Key("min_decisions", integer(1, 1_000_000_000)),
        },
        "oracle": {
            "budget": Key("budget", integer(0, 100_000)),
            "window": Key("window_s", duration(1, 7 * 86400)),
        },
        "push": {
            "listen": Key("listen", address()),
            "notify": Key("notify", array(address(default_port=53))),
            "token_file": Key("token_file", path(base)),
            "token_env": Key("token_env", environment_name),
        },
        "selftest": {"interval": Key("interval_s", duration(1, 86400))},
        "audit": {"key_file": Key("key_file", path(base))},
        "rights": {"reveal": Key("reveal", array(person))},
    }


def _list_keys(base: Path) -> dict[str, Key]:
    return {
        "id": Key("id", list_id, required=True),
        "source": Key("source", source(base), required=True),
        "format": Key("format", choice("a format", FORMATS)),
        "authority": Key("authority", text, required=True),
        "category": Key("category", text, required=True),
        "legal_basis": Key("legal_basis", choice("a legal basis", LegalBasis), required=True),
        "planes": Key("planes", array(choice("a plane", Plane))),
        "answer": Key("answer", choice("an answer", Answer)),
        "interval": Key("interval_s", duration(1, 366 * 86400)),
        "on_failure": Key("on_failure", choice("a fail policy", ("closed", "open"))),
        "mode": Key("mode", choice("a mode", ("enforce", "observe"))),
        "csv_column": Key("csv_column", text),
        "json_field": Key("json_field", text),
        "max_bad_share": Key("max_bad_share", number(0, 1)),
        "max_bytes": Key("max_bytes", size(1, 64 * _GIB)),
        "max_unpacked_bytes": Key("max_unpacked_bytes", size(1, 256 * _GIB)),
        "timeout": Key("timeout_s", duration(0.1, 3600)),
        "max_redirects": Key("max_redirects", integer(0, 20)),
        "retries": Key("retries", integer(0, 20)),
        "max_shrink": Key("max_shrink", number(0, 1)),
        "max_growth": Key("max_growth", number(1, 1_000_000)),
        "free_change": Key("free_change", integer(0, 1_000_000)),
        "max_churn": Key("max_churn", number(0, 1_000_000)),
        "max_churn_jump": Key("max_churn_jump", number(1, 1_000_000)),
        "max_per_domain": Key("max_per_domain", integer(1, 1_000_000_000)),
        "max_duplicate_share": Key("max_duplicate_share", number(0, 1)),
        "max_conflict_share": Key("max_conflict_share", number(0, 1)),
        "kinds": Key("kinds", array(choice("a kind of entry", Kind))),
        "allow_addresses": Key("allow_addresses", boolean),
        "canaries": Key("canaries", array(exempted)),
        "approvers": Key("approvers", array(person)),
        "approvals": Key("approvals", integer(1, 9)),
        "stale_after": Key("stale_after_s", duration(60, 3660 * 86400)),
        "on_stale": Key("on_stale", choice("what a stale list does", ("enforce", "observe"))),
        "keys": Key("keys", array(public_key)),
        "threshold": Key("threshold", integer(1, 64)),
        "tuf_root_file": Key("tuf_root_file", path(base)),
        "tuf_target": Key("tuf_target", text),
        "tsig_name": Key("tsig_name", text),
        "tsig_file": Key("tsig_file", path(base)),
        "tsig_algorithm": Key("tsig_algorithm", choice("a TSIG algorithm", TSIG_ALGORITHMS)),
        "ca_file": Key("ca_file", path(base)),
    }


def _credential_keys(base: Path) -> dict[str, Key]:
    return {
        "bearer_token_file": Key("bearer_token_file", path(base)),
        "bearer_token_env": Key("bearer_token_env", environment_name),
        "username": Key("username", text),
        "password_file": Key("password_file", path(base)),
        "password_env": Key("password_env", environment_name),
        "client_certificate_file": Key("client_certificate_file", path(base)),
        "client_key_file": Key("client_key_file", path(base)),
    }
