"""What the demo asks for is what its lists hold."""

from cop_filter import formats
from cop_filter.demo import dns_questions, http_questions
from cop_filter.demo.lists import FORMATS, OWN, SAMPLES, samples


def test_every_line_of_the_demos_own_lists_is_an_entry():
    for published in OWN:
        errors = [
            error for chunk in formats.parse({"": published.body}, format="plain") for error in chunk.errors
        ]
        assert errors == []


def test_the_samples_are_those_of_the_repository():
    assert SAMPLES.is_dir()
    assert [published.id for published in samples()] == [f"sample-{name}" for name in FORMATS]


def test_every_format_is_shown():
    assert set(FORMATS) == set(formats.FORMATS)


def test_without_the_repository_there_are_no_samples_and_no_questions_about_them(tmp_path):
    assert samples(tmp_path / "missing") == ()
    assert dns_questions.sample_questions(()) == ()
    assert http_questions.sample_questions(()) == ()
