"""One command, `cop-filter`: every role, and everything an operator asks.

Only this layer reads the configuration file. What a command needs is imported when it runs: metrics
libraries look at the environment when they are imported, and `cop-filter check` has to start fast.
"""

from cop_filter.cli.command import main

__all__ = ["main"]
