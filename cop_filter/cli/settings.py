"""What every command is given: where the configuration is, and what it says."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cop_filter.config import Config, load
from cop_filter.errors import StateError

DEFAULT_CONFIG = Path("/etc/cop-filter/cop-filter.toml")


@dataclass(frozen=True, slots=True)
class Settings:
    """Options that stand before the command's name."""

    config_path: Path

    def config(self) -> Config:
        """Read the configuration. Raises ConfigError with every mistake."""
        return load(self.config_path)


def existing_state(config: Config) -> Path:
    """The state folder, for a command that only reads it. Raises StateError when there is none."""
    try:
        mode = config.state_dir.stat().st_mode
    except FileNotFoundError:
        raise StateError(
            "nothing is published: state_dir does not exist; if it is not misspelt, run `cop-filter sync`"
        ) from None
    except OSError as error:
        raise StateError(f"state_dir cannot be read: {error.strerror}; run this as its owner") from None
    if not stat.S_ISDIR(mode):
        raise StateError("state_dir is not a folder; write another one, or move what is there away")
    return config.state_dir


def refuse_read_only(config: Config) -> None:
    """Raise StateError when there is a state folder that this user cannot write to."""
    if config.state_dir.exists() and not os.access(existing_state(config), os.W_OK | os.X_OK):
        raise StateError("state_dir is not writable; run this as its owner, and look at the disk")
