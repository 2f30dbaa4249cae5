"""What `cop-filter top` shows, as text: one for terminals, pipes and tests."""

from collections.abc import Iterator, Mapping

from cop_filter.cli.state import status_text
from cop_filter.events import LATENCY_BOUNDS_S
from cop_filter.report.latency import Latency
from cop_filter.report.rates import DnsRates, Figures, Upstream
from cop_filter.report.status import Status

_CELLS_A_LINE = 3


def top_text(figures: Figures, status: Status, now: float) -> str:
    """One screen: rates first, lists last, for a small terminal cuts off the end. `now` in Unix seconds."""
    if figures.processes:
        told = "\n".join(_rates(figures, status.generation))
    else:
        told = "nobody counts in this state folder: is `cop-filter serve` running?"
    return f"{told}\n\n{status_text(status, now)}"


def _rates(figures: Figures, published: int | None) -> Iterator[str]:
    yield from _dns(figures.dns)
    yield ""
    yield from _latency(figures.latency)
    yield f"CACHE    {figures.cache_answers:,} answers, {figures.cache_bytes / 2**20:,.1f} MiB"
    yield from map(_upstream, figures.upstreams)
    for plane, actions in figures.proxy_per_s.items():
        if actions:
            yield f"PROXY    {plane}: {_listing(actions)}"
    if figures.faults_per_s:
        yield f"FAULTS   {_rate(figures.faults_per_s)}: a bug, and the fail policy decided"
    roles = (
        f"{role} {number}" + (" lags" if number != published else "")
        for role, number in figures.in_force.items()
    )
    yield f"IN FORCE {', '.join(sorted(roles)) or '-'}; published: {published or '-'}"


def _dns(dns: DnsRates) -> Iterator[str]:
    yield f"DNS      {_rate(dns.queries_per_s)} queries/s"
    yield f"  blocked   {_by_list(dns.blocked_per_s)}"
    if dns.observed_per_s:
        yield f"  dry run   {_by_list(dns.observed_per_s)}"
    cells = [
        ("cached", dns.cached_per_s),
        ("forwarded", dns.forwarded_per_s),
        ("handed up", dns.handed_up_per_s),
        ("steered", dns.steered_per_s),
        ("local zones", dns.local_zone_per_s),
        ("stale", dns.stale_per_s),
        ("refused", dns.refused_per_s),
        ("failed", dns.failed_per_s),
        ("dropped", dns.dropped_per_s),
        ("rate-limited", dns.rate_limited_per_s),
    ]
    for start in range(0, len(cells), _CELLS_A_LINE):
        line = (f"{name:<13}{_rate(rate):>10}" for name, rate in cells[start : start + _CELLS_A_LINE])
        yield "  " + "    ".join(line)


def _latency(paths: Mapping[str, Latency]) -> Iterator[str]:
    for path, found in paths.items():
        quantiles = f"p50 {_span(found.p50_s)}, p99 {_span(found.p99_s)}"
        yield f"LATENCY  {path}: {quantiles}, {_rate(found.answers_per_s)} answers/s"


def _upstream(upstream: Upstream) -> str:
    state = "up" if upstream.up else "down"
    return f"UPSTREAM {upstream.place}: {state}, {_listing(upstream.queries_per_s) or 'not asked'}"


def _by_list(rates: Mapping[str, float]) -> str:
    return f"{_rate(sum(rates.values()))}" + (f" ({_listing(rates)})" if rates else "")


def _listing(rates: Mapping[str, float]) -> str:
    return ", ".join(f"{word} {_rate(rate)}" for word, rate in sorted(rates.items()))


def _rate(per_s: float) -> str:
    return f"{per_s:,.0f}" if per_s >= 10 or not per_s else f"{per_s:.1f}"


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds >= LATENCY_BOUNDS_S[-1]:
        return f"over {seconds:.1f} s"
    for unit, length_s in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= length_s:
            return f"{seconds / length_s:.1f} {unit}"
    return f"{seconds * 1e6:.1f} us"
