"""`dig` as a client, and what it prints read back."""

import re

from cop_filter.demo.programs import run
from cop_filter.demo.replies import DnsReply

_STATUS = re.compile(r"^;; ->>HEADER<<-.* status: ([A-Z0-9]+)", re.MULTILINE)
# BIND 9.18 names the option, older ones print it as bytes.
_EDE = re.compile(r"^; (?:EDE: (?P<code>\d+)|OPT=15: (?P<hex>[0-9a-f]{2} [0-9a-f]{2}))", re.MULTILINE)
_ANSWER = re.compile(r"^;; ANSWER SECTION:\n(?P<records>(?:[^\n]+\n)*)", re.MULTILINE)
_TIMEOUT_S = 4


class Dig:
    """Asks the resolver on a port of 127.0.0.1."""

    def __init__(self, program: str, port: int) -> None:
        self.name = "dig"
        # -r: the user's own .digrc must not change what is asked.
        self._argv = [program, "-r", "@127.0.0.1", "-p", str(port), "+tries=1", f"+time={_TIMEOUT_S}"]

    async def ask(self, name: str, qtype: str = "A", *, tcp: bool = False) -> DnsReply:
        """One query over UDP or TCP."""
        transport = "+tcp" if tcp else "+notcp"
        finished = await run([*self._argv, transport, name, qtype], within_s=2 * _TIMEOUT_S)
        return read(finished.out.decode(errors="replace"))


def read(text: str) -> DnsReply:
    """What dig printed as a reply."""
    status = _STATUS.search(text)
    if status is None:
        return DnsReply("no answer")
    section = _ANSWER.search(text)
    records = [line.split() for line in section["records"].splitlines()] if section else []
    addresses = tuple(words[4] for words in records if len(words) == 5 and words[3] in ("A", "AAAA"))
    codes = [
        int(one["code"] or one["hex"].replace(" ", ""), 10 if one["code"] else 16)
        for one in _EDE.finditer(text)
    ]
    return DnsReply(status[1], addresses, tuple(sorted(codes)))
