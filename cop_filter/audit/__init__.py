"""The audit log: what was done to lists, policy and keys, by whom, in a form that shows every change to it.

::

    state/audit/             0700
      key.pem                0600; unless the configuration names another: signs lines and checkpoints
      000000000001.jsonl     lines, each with the hash of the one before; named by its first line's number
      checkpoint             how many lines there are and the last one's hash, signed
      lock                   held by the one process that appends
      ended-001/             a broken log, put aside by `audit restart`

    facts ──> line ──> log (appends, one process at a time) ──> checkpoint
                                 verification (reads it all)

Each line is written and synced, and then the checkpoint: killed in between, the log is one signed line
ahead, which the next writer makes good. A log behind its checkpoint was cut.
"""

from cop_filter.audit.checkpoint import Head
from cop_filter.audit.facts import AuditEvent
from cop_filter.audit.line import Line
from cop_filter.audit.log import Audit
from cop_filter.audit.verification import Verified, lines, verify

__all__ = ["Audit", "AuditEvent", "Head", "Line", "Verified", "lines", "verify"]
