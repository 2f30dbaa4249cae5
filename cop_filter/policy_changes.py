"""What differs between two generations' policies, as events of the audit log. Pure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cop_filter.audit import AuditEvent
from cop_filter.manifest import ListState, Manifest
from cop_filter.policy import ListPolicy


class Change(NamedTuple):
    """One event and its facts."""

    event: AuditEvent
    facts: dict[str, str | int | None]

    @property
    def ids(self) -> tuple[str, ...]:
        """Those of lists and profiles among its facts, which the configuration may not have any more."""
        return tuple(fact for name in ("list", "profile") if isinstance(fact := self.facts.get(name), str))


def changes(before: Manifest | None, after: Manifest) -> list[Change]:
    """What an operator's new configuration changed, list by list; the very first one changes nothing."""
    if before is None:
        return []
    had, has = _by_id(before), _by_id(after)
    found = [*_of_lists(had, has), *_of_exemptions(had, has)]
    profiles = sorted({profile.id for profile in set(before.profiles) ^ set(after.profiles)})
    found += [Change("profile_changed", {"profile": profile}) for profile in profiles]
    if before.steering != after.steering:
        found.append(Change("policy_changed", {"steering": int(after.steering)}))
    return found


def expired(manifest: Manifest, since: float, now: float) -> list[Change]:
    """Exemptions that ended between two moments (Unix time)."""
    return [
        Change("exemption_expired", {"exemption": policy.id})
        for policy in (state.policy for state in manifest.lists)
        if policy.mode == "exempt" and policy.until is not None and since < policy.until <= now
    ]


def _by_id(manifest: Manifest) -> dict[str, ListState]:
    return {state.policy.id: state for state in manifest.lists}


def _is_exemption(policy: ListPolicy) -> bool:
    return policy.mode == "exempt"


def _of_lists(had: Mapping[str, ListState], has: Mapping[str, ListState]) -> Iterator[Change]:
    for list_id in dict.fromkeys([*had, *has]):
        before, after = had.get(list_id), has.get(list_id)
        policies = [state.policy for state in (before, after) if state is not None]
        if any(map(_is_exemption, policies)) or (len(policies) == 2 and policies[0] == policies[1]):
            continue
        what = "added" if before is None else "removed" if after is None else "changed"
        mode = policies[-1].mode if after is not None else None
        yield Change("policy_changed", {"list": list_id, "what": what, "mode": mode})


def _of_exemptions(had: Mapping[str, ListState], has: Mapping[str, ListState]) -> Iterator[Change]:
    # By what they exempt and until when: their ids only count them.
    before = {(state.digest, state.policy.until) for state in had.values() if _is_exemption(state.policy)}
    after = {(state.digest, state.policy.until) for state in has.values() if _is_exemption(state.policy)}
    for digest, until in sorted(after - before, key=repr):
        yield Change("exemption_added", {"digest": digest, "until": None if until is None else int(until)})
    for digest, until in sorted(before - after, key=repr):
        yield Change("exemption_removed", {"digest": digest, "until": None if until is None else int(until)})
