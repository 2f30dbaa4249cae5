"""An engine whose lists are a dictionary, for tests of what a proxy asks and does."""

from cop_filter.names import canonical_host, canonical_url
from cop_filter.verdict import Action, Kind, LegalBasis, Plane, Verdict

ALLOW = Verdict(Action.ALLOW, 1)
BLOCK = Verdict(Action.BLOCK, 1, "national", "Example Hotline", "csam", LegalBasis.ORDER, kind=Kind.URL)


class FakeEngine:
    """Blocks `hosts` with all below them, and `urls` (canonical keys); observes `watched` hosts.

    `planes` are those of the host entries. `asked` records every question.
    """

    generation = 1

    def __init__(self, *, hosts=(), urls=(), watched=(), planes=(Plane.TLS, Plane.HTTP), error=None):
        self.hosts = set(hosts)
        self.urls = set(urls)
        self.watched = set(watched)
        self.planes = planes
        self.error = error
        self.asked: list[tuple[str, str]] = []

    def decide_host(self, name, plane="dns"):
        host = canonical_host(name).name
        return self._decide(host, host, plane)

    def decide_url(self, url, plane="http"):
        canonical = canonical_url(url)
        return self._decide(canonical.key, canonical.host, plane)

    def inspects(self, host):
        if self.error:
            raise self.error
        return any(url.startswith(canonical_host(host).name + "/") for url in self.urls)

    def _decide(self, key, host, plane):
        if self.error:
            raise self.error
        self.asked.append((str(plane), key))
        if host in self.watched:
            return ALLOW._replace(action=Action.OBSERVE, list_id="trial")
        below = any(host == each or host.endswith("." + each) for each in self.hosts)
        return BLOCK if (below and plane in self.planes) or key in self.urls else ALLOW


class CountedEvents:
    """Stands in for cop_filter.events.Events."""

    def __init__(self):
        self.decisions: list[tuple[str, str]] = []
        self.faults: list[str] = []

    def decided(self, plane, verdict):
        self.decisions.append((str(plane), str(verdict.action)))

    def fault(self, plane):
        self.faults.append(str(plane))
