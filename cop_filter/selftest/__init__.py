"""Proof through the real path: canaries are asked for at the live listeners, as a client would ask.

canaries of the generation in force ──> round ──> Results ──> selftest.json, history, audit log

Asking imports slow libraries, so that is imported from `round` and `watch`; what was found, from here.
"""

from cop_filter.selftest.in_process import Failure, decides
from cop_filter.selftest.results import Result, Results, latest

__all__ = ["Failure", "Result", "Results", "decides", "latest"]
