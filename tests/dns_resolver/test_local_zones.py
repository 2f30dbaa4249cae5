"""The switches that would lead clients past the network's resolver."""

import pytest

from dns_resolver import local_zones


@pytest.mark.parametrize("host", ["resolver.arpa", "_dns.resolver.arpa", "x.y.resolver.arpa"])
def test_designated_resolver_questions_get_no_data(answers, host):
    assert local_zones.answer(host, answers) == answers.nodata()


@pytest.mark.parametrize("host", ["use-application-dns.net", "mask.icloud.com", "mask-h2.icloud.com"])
def test_the_switch_names_do_not_exist(answers, host):
    assert local_zones.answer(host, answers) == answers.nxdomain()


@pytest.mark.parametrize("host", ["", "arpa", "notresolver.arpa", "resolver.arpa.example", "mask.example"])
def test_ordinary_names_are_left_alone(answers, host):
    assert local_zones.answer(host, answers) is None
