"""A request target that origins read in different ways is checked in each of them."""

import pytest
from fake_engine import FakeEngine
from hypothesis import given
from hypothesis import strategies as st

from addons.decision import Asked, decide_request
from addons.readings import readings
from cop_filter.names import canonical_url
from cop_filter.verdict import Action

ENGINE = FakeEngine(urls={"pages.example/x/page", "pages.example/x/page?q=1"})


def verdict(target):
    return decide_request(ENGINE, Asked(b"http", target, [b"pages.example"])).action


@pytest.mark.parametrize(
    "target",
    [
        b"/x/page",
        b"/x/a//../page",  # the empty segment is what `..` takes away: browsers
        b"/y//../x/page",  # slashes are merged first: nginx, Apache
        b"/x/a%2fb/../page",  # an escaped slash is part of a segment: browsers
        b"/x/a%2fb/../../page",  # escapes are decoded first: nginx
        b"/x/a%2Fb/%2e%2e/%2E./page",
        b"/x/a\\b/../page",  # a backslash is a character: origins on Unix
        b"/x/a%5Cb/../page",
        b"/x/a\\../page",
        b"/x\\page",  # a backslash is a slash: browsers, IIS
        b"/x/%5C/../page",
        b"/x/page#top",  # a fragment, cut off: nginx
        b"/q#/../x/page",  # a character like any other: origins that know no fragment
        b"/x/page?q=1#top",
        b"/x/y/..//..//x/page?q=1",
    ],
)
def test_path_resolution_attack_every_reading_is_checked(target):
    assert verdict(target) is Action.BLOCK


@pytest.mark.parametrize(
    "target",
    [
        b"/x/page2",
        b"/x/page/..",
        b"/x/../page",
        b"/x/page/../sibling",
        b"/x/..page",
        b"/x/page..",
        b"/x/page%23",
        b"/x/page%5C",
        b"/x/page?q=2#top",
        b"/other?u=/../x/page",
        b"/other?u=http://pages.example/x/page",
    ],
)
def test_what_no_reading_leads_to_a_listed_page_passes(target):
    assert verdict(target) is Action.ALLOW


def test_an_ordinary_target_has_one_reading():
    for target in (b"/", b"/dir/page.html?q=%26&r=1", b"/%C3%BC", b"/a//b", b"*"):
        assert readings(target) == [target]


@given(
    st.lists(st.sampled_from([b"/", b"\\", b"..", b"%2e", b"%2F", b"%5c", b"#", b"?", b"%", b"a", b"\xff"]))
)
def test_any_target_has_few_readings_that_can_all_be_looked_up(pieces):
    found = readings(b"/" + b"".join(pieces))
    assert found[0] == b"/" + b"".join(pieces)
    assert len(found) <= 9
    assert all(canonical_url(b"http://pages.example" + reading).host == "pages.example" for reading in found)
