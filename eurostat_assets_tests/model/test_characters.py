"""Control characters: out of texts, refused in codes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eurostat_assets.model.characters import bad_character, clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Invented\0title", "Inventedtitle"),
        ("a\x01b\x7fc\x9bd", "abcd"),
        ("two\nlines", "two lines"),
        ("two\r\n\tlines", "two lines"),
        ("a\u2028b\u0085c", "a b c"),
        ("safe\u202etxt.exe\u202c", "safetxt.exe"),
        ("\ufeffbegins", "begins"),
        ("half \ud800 a pair", "half  a pair"),
        ("Überblick: 20 °C, soft\u00adhyphen, \u202f%", "Überblick: 20 °C, soft\u00adhyphen, \u202f%"),
        ("", ""),
    ],
)
def test_a_text_loses_what_it_may_not_have_and_nothing_else(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(st.text())
def test_what_was_cleaned_can_be_stored_and_shown(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    cleaned.encode()
    assert not {unicodedata.category(one) for one in cleaned} & {"Cc", "Cs", "Zl", "Zp"}


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])), st.text())
def test_a_code_is_refused_for_the_first_character_that_no_code_may_have(good: str, rest: str) -> None:
    assert bad_character(good) is None
    for bad, name in [
        ("\0", "U+0000"),
        ("\x7f", "U+007F"),
        ("\u202e", "U+202E"),
        ("\u200b", "U+200B"),
        ("\ud800", "U+D800"),
    ]:
        assert bad_character(good + bad + rest) == name
