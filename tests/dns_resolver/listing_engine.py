"""An engine that lists what a test says, and nothing else."""

from cop_filter.errors import InvalidUrl
from cop_filter.verdict import Action, Answer, LegalBasis, Verdict

ALLOW = Verdict(Action.ALLOW, 1)


def blocked(answer=Answer.SPLASH, legal_basis=LegalBasis.MEMBERSHIP, list_id="national"):
    """The verdict of a domain entry."""
    return Verdict(
        Action.BLOCK, 1, list_id, authority="Example Hotline", legal_basis=legal_basis, answer=answer
    )


def steered():
    return Verdict(Action.STEER, 1, "national", answer=Answer.SPLASH)


def observed():
    return Verdict(Action.OBSERVE, 1, "trial", answer=Answer.SPLASH)


class FakeEngine:
    """Suffix match over `listed` (name -> Verdict); replace the dict to swap.

    What is in `of_profile` (profile -> name -> Verdict) is listed for the clients of that profile too.
    """

    def __init__(self, listed=None):
        self.listed = listed or {}
        self.of_profile = {}
        self.generation = 1
        self.asked = []

    def decide_host(self, name, plane="dns", profile=None):
        self.asked.append(name)
        if plane != "dns":
            raise AssertionError("the resolver asks on its own plane")
        if not name or any(label.startswith("xn--invalid") for label in name.split(".")):
            raise InvalidUrl("no canonical form")
        name = name.lower()
        listed = {**self.of_profile.get(profile, {}), **self.listed}
        while name:
            if name in listed:
                return listed[name]
            name = name.partition(".")[2]
        return ALLOW

    def explain(self, query):
        return self.decide_host(query.host, query.plane, query.profile)

    def protects(self, host):
        return False

    def decide_hosts(self, names, plane="dns", profile=None):
        return [self._or_error(name, plane, profile) for name in names]

    def _or_error(self, name, plane, profile):
        try:
            return self.decide_host(name, plane, profile)
        except InvalidUrl as error:
            return error
