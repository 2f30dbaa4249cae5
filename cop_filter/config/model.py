"""The configuration as the program uses it: frozen, checked, units in the names."""

from dataclasses import dataclass, field
from datetime import date
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import Literal, NamedTuple

from cop_filter.signing.keys import Person, PublicKey
from cop_filter.verdict import Answer, Kind, LegalBasis, Plane


class Address(NamedTuple):
    """A socket address; `host` is an IP literal without brackets."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class OperatorConfig:
    """Who blocks, and whom to turn to; the page shows all of it."""

    name: str
    responsible_officer: str
    appeals: str
    hotline: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to prove to a list's server who asks. Secrets are read when used, never kept in text."""

    bearer_token_file: Path | None = None
    bearer_token_env: str | None = None
    username: str | None = None
    password_file: Path | None = None
    password_env: str | None = None
    client_certificate_file: Path | None = None
    client_key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class ListConfig:
    """One list: where it comes from, what it is for, and what of it is believed."""

    id: str
    source: str
    authority: str
    category: str
    legal_basis: LegalBasis
    format: str = "auto"
    planes: tuple[Plane, ...] = (Plane.DNS, Plane.TLS, Plane.HTTP)
    answer: Answer = Answer.SPLASH
    interval_s: float = 900.0
    on_failure: Literal["closed", "open"] = "closed"
    mode: Literal["enforce", "observe"] = "enforce"
    csv_column: str = "url"
    json_field: str = "url"
    max_bad_share: float = 0.1
    max_bytes: int = 64 * 1024 * 1024
    max_unpacked_bytes: int = 512 * 1024 * 1024
    timeout_s: float = 60.0
    max_redirects: int = 3
    retries: int = 3
    max_shrink: float = 0.5
    max_growth: float = 4.0
    free_change: int = 50
    max_churn: float = 0.5
    """Share of the entries in force that may come and go at once, together."""
    max_churn_jump: float = 20.0
    """How many times its usual churn a list may have at once."""
    max_per_domain: int = 5000
    """Entries under one registered domain."""
    max_duplicate_share: float = 0.5
    max_conflict_share: float = 0.1
    """Share of page-level entries whose host the same list blocks whole."""
    kinds: tuple[Kind, ...] = tuple(Kind)
    allow_addresses: bool = False
    canaries: tuple[str, ...] = ()
    """Harmless entries, in the plain list grammar, that the list must hold and that are probed."""
    approvers: tuple[Person, ...] = ()
    approvals: int = 1
    """How many different approvers release a quarantined version."""
    stale_after_s: float | None = None
    """Without a word from its source for so long, the list is stale; None: only by its own expiry."""
    on_stale: Literal["enforce", "observe"] = "enforce"
    keys: tuple[PublicKey, ...] = ()
    threshold: int = 1
    tuf_root_file: Path | None = None
    tuf_target: str | None = None
    tsig_name: str | None = None
    tsig_file: Path | None = None
    tsig_algorithm: str = "hmac-sha256"
    ca_file: Path | None = None
    credentials: Credentials = field(default_factory=Credentials)


@dataclass(frozen=True, slots=True)
class ExemptionConfig:
    """An upheld appeal: `entry` (in the plain list grammar) is allowed until the end of `until`."""

    entry: str
    reason: str
    recorded: date
    until: date


@dataclass(frozen=True, slots=True)
class ProfileConfig:
    """Clients for whom subscribers' lists hold that hold for nobody else."""

    id: str
    networks: tuple[IPv4Network | IPv6Network, ...]
    lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DnsConfig:
    """The resolver."""

    listen: tuple[Address, ...]
    upstreams: tuple[Address, ...]
    clients: tuple[IPv4Network | IPv6Network, ...]
    workers: int = 1
    steer_to: tuple[IPv4Address | IPv6Address, ...] = ()
    blocked_ttl_s: int = 30
    cache_bytes: int = 64 * 1024 * 1024
    udp_payload_bytes: int = 1232
    upstream_timeout_s: float = 2.0
    control: Path | None = None
    cookie_secret_file: Path | None = None
    rate_limit_per_s: int = 5000
    """Responses to one client network whose addresses no DNS cookie proves; 0: no limit."""
    rate_limit_slip: int = 2
    """Every so many-th limited response is sent, truncated: real clients come back over TCP. 0: none."""


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """The proxy."""

    listen: Address
    clients: tuple[IPv4Network | IPv6Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    inspect: Literal["listed", "none"] = "listed"
    upstream_ca_file: Path | None = None
    certificates_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class SplashConfig:
    """The page, and where the resolver sends those who asked for what is blocked."""

    listen: Address
    addresses: tuple[IPv4Address | IPv6Address, ...]


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """The Prometheus endpoint."""

    listen: Address


@dataclass(frozen=True, slots=True)
class NeverBlockConfig:
    """Names and networks that no list may block: one a line, in the files and those that are built in."""

    files: tuple[Path, ...] = ()
    builtin: bool = True


@dataclass(frozen=True, slots=True)
class RolloutConfig:
    """How a new generation proves itself on a part of the workers before the rest follow."""

    soak_s: float = 0.0
    """0: every generation is in force everywhere at once."""
    share: float = 0.25
    max_block_jump: float = 3.0
    """How many times the usual share of blocked decisions ends the trial."""
    min_decisions: int = 1000
    """Before so many decisions a share says nothing."""


@dataclass(frozen=True, slots=True)
class OracleConfig:
    """How many different entries of confidential lists one client network may be told of."""

    budget: int = 100
    """Distinct blocked keys in a window; 0: no limit."""
    window_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class PushConfig:
    """Where authorities say that a list has changed."""

    listen: Address | None = None
    """HTTP: POST /lists/ID with a bearer token."""
    notify: tuple[Address, ...] = ()
    """DNS NOTIFY (RFC 1996) for lists that come by zone transfer."""
    token_file: Path | None = None
    token_env: str | None = None


@dataclass(frozen=True, slots=True)
class SelftestConfig:
    """How often canaries are asked for through the live listeners."""

    interval_s: float = 300.0


@dataclass(frozen=True, slots=True)
class AuditConfig:
    """Who signs the audit log's checkpoints and certificates; None: a key made in the state folder."""

    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class RightsConfig:
    """Who may have entries of a quarantined list shown."""

    reveal: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration. A role whose table is absent is None and is not run by `serve`."""

    state_dir: Path
    operator: OperatorConfig
    lists: tuple[ListConfig, ...]
    exemptions: tuple[ExemptionConfig, ...] = ()
    profiles: tuple[ProfileConfig, ...] = ()
    dns: DnsConfig | None = None
    proxy: ProxyConfig | None = None
    splash: SplashConfig | None = None
    metrics: MetricsConfig | None = None
    user: str | None = None
    """Who a role becomes that is started as root, once it has bound its ports."""
    group: str | None = None
    key_file: Path | None = None
    """The index keys apart from the index, newest first; all three None: index.key in the state folder."""
    key_env: str | None = None
    key_credential: str | None = None
    never_block: NeverBlockConfig = NeverBlockConfig()
    rollout: RolloutConfig = RolloutConfig()
    oracle: OracleConfig = OracleConfig()
    push: PushConfig = PushConfig()
    selftest: SelftestConfig = SelftestConfig()
    audit: AuditConfig = AuditConfig()
    rights: RightsConfig = RightsConfig()
