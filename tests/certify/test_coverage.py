"""Time is good where somebody saw it good, bad where anybody saw it bad, and else unknown."""

from hypothesis import given
from hypothesis import strategies as st

from cop_filter.certify.coverage import Stretch, coverage, lacking, stretches
from cop_filter.history import Span

GOOD, BAD = True, False


def test_what_nobody_saw_is_no_data() -> None:
    found = coverage([], 0, 100)
    assert (found.good_s, found.bad_s, found.no_data_s) == (0, 0, 100)
    assert found.longest == Stretch(0, 100, "no data")
    assert found.percent is None


def test_each_second_counts_once_and_an_outage_is_as_long_as_nobody_saw_it_good() -> None:
    spans = [Span(0, 40, GOOD), Span(40, 50, BAD), Span(60, 90, GOOD)]
    assert stretches(spans, 0, 100) == [
        Stretch(0, 40, "good"), Stretch(40, 50, "bad"), Stretch(50, 60, "no data"),
        Stretch(60, 90, "good"), Stretch(90, 100, "no data"),
    ]  # fmt: skip
    found = coverage(spans, 0, 100)
    assert (found.good_s, found.bad_s, found.no_data_s) == (70, 10, 20)
    assert found.longest == Stretch(40, 60, "bad")
    assert found.percent == "70.000"


def test_where_good_and_bad_overlap_it_was_bad() -> None:
    assert coverage([Span(0, 100, GOOD), Span(30, 40, BAD)], 0, 100).good_s == 90


def test_a_share_is_rounded_down_so_that_a_second_of_outage_is_never_a_hundred_percent() -> None:
    day = 86400 * 90
    assert coverage([Span(0, day - 1, GOOD)], 0, day).percent == "99.999"
    assert coverage([Span(0, day, GOOD)], 0, day).percent == "100.000"


SPANS = st.lists(st.tuples(st.integers(-10, 110), st.integers(0, 60), st.booleans()), max_size=8)


@given(SPANS)
def test_every_second_is_what_it_is_by_looking_at_each(raw: list[tuple[int, int, bool]]) -> None:
    spans = [Span(start, start + length, good) for start, length, good in raw]
    seconds = []
    for second in range(100):
        seen = {span.good for span in spans if span.start <= second < span.end}
        seconds.append("bad" if False in seen else "good" if True in seen else "no data")
    found = coverage(spans, 0, 100)
    assert (found.good_s, found.bad_s, found.no_data_s) == tuple(
        seconds.count(state) for state in ("good", "bad", "no data")
    )
    not_good = [
        second for gap in lacking(stretches(spans, 0, 100)) for second in range(int(gap.start), int(gap.end))
    ]
    assert not_good == [second for second, state in enumerate(seconds) if state != "good"]
