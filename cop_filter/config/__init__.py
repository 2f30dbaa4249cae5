"""The configuration: TOML read into frozen dataclasses, every mistake reported with its key path.

`model` is what the program uses, `keys` is what the operator writes, `values` reads one value,
`table` reads one table of keys, `rules` checks what no single key can know.
"""

import tomllib
from pathlib import Path

from cop_filter.config import keys, rules
from cop_filter.config.model import (
    Address,
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
from cop_filter.errors import ConfigError

__all__ = [
    "Address",
    "AuditConfig",
    "Config",
    "Credentials",
    "DnsConfig",
    "ExemptionConfig",
    "ListConfig",
    "MetricsConfig",
    "NeverBlockConfig",
    "OperatorConfig",
    "OracleConfig",
    "ProfileConfig",
    "ProxyConfig",
    "PushConfig",
    "RightsConfig",
    "RolloutConfig",
    "SelftestConfig",
    "SplashConfig",
    "load",
]


def load(path: Path) -> Config:
    """Read and check the whole configuration file at `path`; relative paths in it start at its folder.

    Raises ConfigError with every mistake found, each as "key.path: what is wrong and what to write".
    """
    try:
        with path.open("rb") as file:
            raw = tomllib.load(file)
    except OSError as exc:
        raise ConfigError([f"{path}: cannot be read: {exc.strerror or exc}"]) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        # The cause is cut off: Python 3.14 attaches the whole document to it.
        raise ConfigError([f"{path}: is not TOML: {_reason(exc)}"]) from None
    problems: list[str] = []
    sections = keys.read(raw, path.resolve().parent, problems)
    rules.check(sections, problems)
    if problems:
        raise ConfigError(problems)
    return sections.build()


def _reason(exc: tomllib.TOMLDecodeError | UnicodeDecodeError) -> str:
    if isinstance(exc, UnicodeDecodeError):
        return f"byte {exc.start} is not UTF-8"
    return str(exc)
