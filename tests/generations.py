"""Real generations for tests: a configuration and a way to publish entry texts."""

from datetime import date
from ipaddress import ip_network
from pathlib import Path

from cop_filter import compiler
from cop_filter.config import Config, DnsConfig, ExemptionConfig, ListConfig, OperatorConfig, ProfileConfig
from cop_filter.entries import parse
from cop_filter.store import Store
from cop_filter.verdict import LegalBasis

OPERATOR = OperatorConfig(
    name="Example Net",
    responsible_officer="Child safety officer, safety@isp.example",
    appeals="https://isp.example/appeal",
    hotline="https://hotline.example",
)


def a_list(list_id="national", **changes):
    fields = {
        "id": list_id,
        "source": f"https://lists.authority.example/{list_id}",
        "authority": "Example Hotline",
        "category": "csam",
        "legal_basis": LegalBasis.MEMBERSHIP,
    }
    return ListConfig(**{**fields, **changes})


def a_config(state_dir: Path, *lists, **changes):
    return Config(state_dir=state_dir, operator=OPERATOR, lists=lists or (a_list(),), **changes)


def an_exemption(entry, until=date(2099, 1, 1)):
    return ExemptionConfig(entry=entry, reason="upheld", recorded=date(2026, 1, 1), until=until)


def a_profile(profile_id, networks, lists):
    return ProfileConfig(profile_id, tuple(map(ip_network, networks)), tuple(lists))


def dns(**changes):
    return DnsConfig(**{"listen": (), "upstreams": (), "clients": (), **changes})


def publish(config: Config, *, store: Store | None = None, digests=None, **entries_by_list) -> int:
    """Publish entry texts, by list id; lists that are not named are carried over."""
    with compiler.draft(store or Store.of(config), config) as draft:
        for list_id, texts in entries_by_list.items():
            draft.replace(list_id, [parse(text) for text in texts])
        return draft.publish(digests)
