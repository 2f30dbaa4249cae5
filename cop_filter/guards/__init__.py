"""What stops a list that is well formed and still not believable.

Every guard looks at every version, and all that they find is reported: counts, line numbers and reasons
in words, never an entry. `Review` gathers what they decide from while the list streams by; each guard is a
pure function in `size`, `churn`, `kinds` and `content`. `overblock` proves new entries on the compiled
index, before it is published.
"""

from cop_filter.guards.report import Accepted, Finding, GuardReport
from cop_filter.guards.review import Review

__all__ = ["Accepted", "Finding", "GuardReport", "Review"]
