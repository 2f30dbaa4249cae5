"""One command, `cop-filter`: every role, and everything an operator asks.

Only this layer reads the configuration file. What a command needs is imported when it runs: metrics
libraries look at the environment when they are imported, and `cop-filter check` has to start fast.
"""


def main() -> None:
    """The entry point of `cop-filter`."""
    # A role that only wants its exit code must not wait for the command line to be imported.
    from cop_filter.cli import command  # noqa: PLC0415  see above

    command.main()
