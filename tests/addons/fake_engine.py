"""An engine whose lists are a dictionary, for tests of what a proxy asks and does."""

from collections import Counter

from cop_filter.names import canonical_host, canonical_url
from cop_filter.verdict import Action, Kind, LegalBasis, Plane, Verdict

ALLOW = Verdict(Action.ALLOW, 1)
BLOCK = Verdict(Action.BLOCK, 1, "national", "Example Hotline", "csam", LegalBasis.ORDER, kind=Kind.URL)


class FakeEngine:
    """Blocks `hosts` with all below them, and `urls` (canonical keys); observes `watched` hosts.

    `planes` are those of the host entries. `asked` records every question. `hosts_of` and `urls_of` (by
    profile) are listed for the clients of that profile too.
    """

    generation = 1

    def __init__(
        self,
        *,
        hosts=(),
        urls=(),
        watched=(),
        planes=(Plane.TLS, Plane.HTTP),
        error=None,
        hosts_of=None,
        urls_of=None,
    ):
        self.hosts = set(hosts)
        self.urls = set(urls)
        self.watched = set(watched)
        self.planes = planes
        self.error = error
        self.hosts_of = hosts_of or {}
        self.urls_of = urls_of or {}
        self.asked: list[tuple[str, str]] = []

    def decide_host(self, name, plane="dns", profile=None):
        host = canonical_host(name).name
        return self._decide(host, host, plane, profile)

    def decide_url(self, url, plane="http", profile=None):
        canonical = canonical_url(url)
        return self._decide(canonical.key, canonical.host, plane, profile)

    def inspects(self, host, profile=None):
        if self.error:
            raise self.error
        urls = {*self.urls, *self.urls_of.get(profile, ())}
        return any(url.startswith(canonical_host(host).name + "/") for url in urls)

    def explain(self, query):
        if query.url is None:
            return self.decide_host(query.host, query.plane, query.profile)
        return self.decide_url(query.url, query.plane, query.profile)

    def confidential_pages(self, host, profile=None):
        return hash(canonical_host(host).name) % 2**64 if self.inspects(host, profile) else None

    def protects(self, host):
        return False

    has_keywords = False

    def _decide(self, key, host, plane, profile):
        if self.error:
            raise self.error
        self.asked.append((str(plane), key))
        if host in self.watched:
            return ALLOW._replace(action=Action.OBSERVE, list_id="trial")
        hosts = {*self.hosts, *self.hosts_of.get(profile, ())}
        urls = {*self.urls, *self.urls_of.get(profile, ())}
        below = any(host == each or host.endswith("." + each) for each in hosts)
        return BLOCK if (below and plane in self.planes) or key in urls else ALLOW


class CountedEvents:
    """Stands in for cop_filter.events.Events."""

    def __init__(self):
        self.decisions: list[tuple[str, str]] = []
        self.faults: list[str] = []
        self.of_oracle: Counter[str] = Counter()

    def decided(self, plane, verdict):
        self.decisions.append((str(plane), str(verdict.action)))

    def http(self, event, times=1):
        self.of_oracle[event] += times

    def fault(self, plane):
        self.faults.append(str(plane))
