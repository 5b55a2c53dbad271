"""Colours live in the token layer, and what is read can be read (D4, WCAG 2.2 AA)."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHEETS = sorted((ROOT / "static" / "css").glob("*.css"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b(?![-\w])|\b(?:rgb|rgba|hsl|hsla|oklch|lab)\(")
NAMED = re.compile(r":\s*[^;{]*\b(?:white|black|red|green|blue|yellow|grey|gray|orange|purple)\b\s*[;}]")
TOKENS = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", (ROOT / "static/css/tokens.css").read_text()))

# (words, ground): 4.5 to 1 at any size
READ = [
    ("ink", "surface"),
    ("ink", "band"),
    ("ink", "yellow"),
    ("ink", "green"),
    ("ink", "green-banner"),
    ("ink", "note"),
    ("ink", "red-wash"),
    ("ink", "disabled"),
    ("text", "surface"),
    ("text", "band"),
    ("on-disabled", "disabled"),
    ("on-ink", "ink"),
    ("on-ink", "red"),
    ("on-ink", "red-hover"),
    ("on-ink", "text"),
    ("on-ink", "link"),
    ("yellow", "ink"),
    ("link", "surface"),
    ("link", "band"),
    ("link-hover", "surface"),
    ("red", "surface"),
    ("red", "band"),
    ("green-text", "surface"),
    ("green-text", "band"),
    ("purple", "surface"),
]
# edges and marks that tell a control, or its state, from the page: 3 to 1
SEEN = [
    ("line-control", "surface"),
    ("control", "surface"),
    ("control", "band"),
    ("off", "surface"),
    ("on-edge", "surface"),
    ("focus", "surface"),
    ("focus", "band"),
    ("surface", "off"),
]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(TOKENS[one]), luminance(TOKENS[other])), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("words", "ground"), READ)
def test_D4_words_can_be_read(words, ground):
    assert contrast(words, ground) >= 4.5


@pytest.mark.parametrize(("mark", "ground"), SEEN)
def test_D4_controls_can_be_seen(mark, ground):
    assert contrast(mark, ground) >= 3


def test_D4_informing_text_is_5f5f5f_or_darker():
    assert luminance(TOKENS["text"]) <= luminance("#5f5f5f")
    assert luminance(TOKENS["on-disabled"]) <= luminance("#5f5f5f")


@pytest.mark.parametrize("sheet", [s for s in SHEETS if s.name != "tokens.css"], ids=lambda s: s.name)
def test_colours_only_in_the_token_layer(sheet):
    css = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
    assert COLOUR.findall(css) == []
    assert NAMED.findall(css) == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda s: s.name)
def test_every_token_that_is_used_exists(sheet):
    defined = set(re.findall(r"(--[\w-]+):", (ROOT / "static/css/tokens.css").read_text()))
    assert set(re.findall(r"var\((--[\w-]+)", sheet.read_text())) <= defined


@pytest.mark.parametrize(
    "template",
    [t for t in TEMPLATES if not set(t.parts) & {"email", "emails"}],
    ids=lambda t: str(t.relative_to(ROOT)),
)
def test_no_colour_and_no_inline_style_in_a_template(template):
    html = template.read_text()
    assert not re.search(r"\bstyle\s*=", html)
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\son[a-z]+\s*=", html)
    assert not re.search(r'(fill|stroke|color)="#', html)


@pytest.mark.parametrize(
    "template",
    [t for t in TEMPLATES if set(t.parts) & {"email", "emails"}],
    ids=lambda t: str(t.relative_to(ROOT)),
)
def test_an_email_uses_the_colours_of_the_tokens(template):
    assert set(re.findall(r"#[0-9a-fA-F]{6}\b", template.read_text())) <= set(TOKENS.values())


def test_D13_nothing_is_loaded_from_another_origin():
    for path in [*SHEETS, *TEMPLATES, *(ROOT / "static" / "js").glob("*.js")]:
        assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", path.read_text()), path
    fonts = ROOT / "static/vendor/fira-sans"
    assert "SIL OPEN FONT LICENSE" in (fonts / "OFL.txt").read_text()
    assert len(list(fonts.glob("*.woff2"))) == 6
