"""The version of this installation, from the package's metadata."""

from importlib.metadata import version

VERSION = version("cop-filter")
