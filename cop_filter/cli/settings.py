"""What every command is given: where the configuration is."""

from dataclasses import dataclass
from pathlib import Path

from cop_filter.config import Config, load

DEFAULT_CONFIG = Path("/etc/cop-filter/cop-filter.toml")


@dataclass(frozen=True, slots=True)
class Settings:
    """Options that stand before the command's name."""

    config_path: Path

    def config(self) -> Config:
        """Read the configuration. Raises ConfigError with every mistake."""
        return load(self.config_path)
