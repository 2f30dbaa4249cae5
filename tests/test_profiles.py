"""Which profile a client has."""

import pytest
from generations import a_profile

from cop_filter.profiles import ClientProfiles

PROFILES = ClientProfiles([
    a_profile("schools", ["198.51.100.0/25", "2001:db8:5::/48"], ["games"]),
    a_profile("libraries", ["198.51.100.128/25"], ["games"]),
])  # fmt: skip


@pytest.mark.parametrize(
    ("client", "profile"),
    [
        ("198.51.100.7", "schools"),
        ("::ffff:198.51.100.7", "schools"),
        ("2001:db8:5::1", "schools"),
        ("2001:db8:5::1%eth0", "schools"),
        ("198.51.100.128", "libraries"),
        ("198.51.101.1", None),
        ("2001:db8:6::1", None),
        ("", None),
        ("no address", None),
        ("\udcff", None),
    ],
)
def test_a_client_has_the_profile_of_its_network(client, profile):
    assert PROFILES.of(client) == profile


def test_where_there_are_no_profiles_everybody_is_everyone_else():
    assert ClientProfiles().of("198.51.100.7") is None


def test_profiles_are_told_to_native_code_by_number():
    numbers = {number for _, _, number in PROFILES.networks}
    assert [PROFILES.id_of(number) for number in sorted(numbers)] == ["schools", "libraries"]
    assert PROFILES.id_of(0) is None
