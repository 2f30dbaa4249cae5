"""Versions of lists that a guard refused: kept, encrypted, until people decide.

::

    state/quarantine/        0700
      lock                   held by the one process that changes something here
      20270115-3f9a01c2/     one version
        item                 what the guards said and what was decided; JSON behind a code of its key
        body                 the list as it came, sealed
        approvals/           a signed statement of each who approves

    keep ──> item ──> approve (as often as the list asks) ──> released: the same digest passes its guards
                  ──> reject: the body is gone, the report stays
"""

from cop_filter.quarantine.body import Body
from cop_filter.quarantine.item import Item
from cop_filter.quarantine.standing import Standing
from cop_filter.quarantine.ward import Quarantine

__all__ = ["Body", "Item", "Quarantine", "Standing"]
