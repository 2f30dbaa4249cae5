"""`cop-filter demo`: the whole filter at work on loopback, with an authority, an origin and real clients.

Nothing is simulated but the world around the filter: `serve` runs as it does in a network, and every
answer in the tables came over a socket.
"""


def run(keep: bool) -> int:
    """Perform the demo; 0 only when every answer was as expected.

    With `keep` everything is left running until Ctrl-C, and how to try it by hand is printed.
    """
    # The processes that the demo starts import this package for `loopback_names` alone.
    from cop_filter.demo.performance import perform  # noqa: PLC0415

    return perform(keep=keep)
