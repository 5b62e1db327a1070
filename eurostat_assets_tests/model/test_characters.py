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
        ("Überblick: 20 °C, \u202f%", "Überblick: 20 °C, \u202f%"),
        ("soft\u00adhyphen, zero\u200bwidth, \u2060joined", "softhyphen, zerowidth, joined"),
        ("tags\U000e0048\U000e0069 and \ufe0f\ufe0fvariants\U000e0100", "tags and variants"),
        ("Z" + "\u0321\u0322\u0489\u0300" * 50 + "algo", "Z\u0321\u0322\u0489algo"),
        ("\u0301accent of nothing", "accent of nothing"),
        ("E\u0301tat, \u0391\u0301", "État, Ά"),
        ("\x1b[31mred\x1b]8;;http://x\x07", "[31mred]8;;http://x"),
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
    assert unicodedata.is_normalized("NFC", cleaned)


def test_no_character_that_is_none_comes_through() -> None:
    everything = "".join(chr(one) for one in range(0x110000) if unicodedata.category(chr(one))[0] != "M")
    kept = clean(everything, longest=len(everything))
    assert not {unicodedata.category(one) for one in kept} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    # Letters, figures and signs all do, but for the fillers that nobody sees; NFC may write one in two.
    seen = [
        one
        for one in everything
        if unicodedata.category(one)[0] in "LNPS" and unicodedata.is_normalized("NFC", one)
    ]
    assert set(seen) - set(kept) == {"\u115f", "\u1160", "\u3164", "\uffa0"}


def test_a_text_that_is_too_long_says_that_it_was_cut() -> None:
    assert clean("é" * 1_001) == "é" * 999 + "…"
    assert clean("é" * 1_000) == "é" * 1_000
    assert clean("a title", longest=3) == "a…"


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
