"""The glossary in the docs is what the packs say."""

from pathlib import Path

from wuxin.packs.glossary import text

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_glossary_is_current() -> None:
    said = "run: python -m wuxin.packs.glossary > docs/glossary.md"
    assert (DOCS / "glossary.md").read_text() == text(), said
