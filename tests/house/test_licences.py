"""What Wuxin imports is free to build on: no GPL, AGPL, BUSL, SSPL or Elastic licence."""

import re
from collections.abc import Iterator
from email.message import Message
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.tree import ROOT

# "LGPL" has no word boundary before GPL, and BSL-1.0 is Boost's licence, so both pass.
REFUSED = re.compile(
    r"\b(A?GPL|GNU (Affero )?General Public|BUSL|Business Source|BSL-1\.1|SSPL|Server Side Public"
    r"|Elastic)",
    re.IGNORECASE,
)
GRANTS = {
    "MIT": "Permission is hereby granted, free of charge, to any person obtaining a copy of this "
    "software and associated documentation files",
}
SHORT = 120  # characters; longer is not a licence's name but its text


def refusal(package: Message, file: str = "") -> str:
    """Return why a distribution may not be imported, or an empty string.

    Args:
        package: its metadata.
        file: the text of its licence file, which counts only where the metadata name no licence:
            it must then have the very words of a grant that we know.

    The three places are weighed in the order of their worth: an SPDX expression is exact and
    decides alone; classifiers are chosen from a list; the free text is read only up to its title,
    since whole licences quote others.
    """
    if expression := package.get("License-Expression"):
        return "" if allowed(expression) else f"License-Expression: {expression}"
    marks = [mark for mark in package.get_all("Classifier", []) if _names_licence(mark)]
    if marks:
        free = [mark for mark in marks if not REFUSED.search(mark)]
        return "" if free else "; ".join(marks)
    title = package.get("License", "").strip().split("\n", maxsplit=1)[0][:SHORT]
    if not title:
        words = " ".join(file.split())
        known = any(grant in words for grant in GRANTS.values()) and not REFUSED.search(words)
        return "" if known else "names no licence"
    return f"License: {title}" if REFUSED.search(title) else ""


def allowed(expression: str) -> bool:
    """Tell whether an SPDX expression leaves a choice without a refused licence."""
    if inner := re.search(r"\(([^()]*)\)", expression):
        verdict = "MIT" if allowed(inner[1]) else "SSPL-1.0"
        return allowed(expression[: inner.start()] + verdict + expression[inner.end() :])
    choices = re.split(r"\s+OR\s+", expression, flags=re.IGNORECASE)
    return any(not REFUSED.search(choice) for choice in choices)


def _names_licence(mark: str) -> bool:
    return mark.startswith("License ::") and mark != "License :: OSI Approved"


def imported() -> Iterator[metadata.Distribution]:
    """Yield the distributions reachable from base.in and from the extra that are installed here."""
    folder = ROOT / "requirements"
    lines = [
        line
        for name in ("base.in", "joint.in")
        for line in (folder / name).read_text().splitlines()
    ]
    waiting = [Requirement(line) for line in lines if line and not line.startswith("#")]
    waiting = [wanted for wanted in waiting if not wanted.marker or wanted.marker.evaluate()]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        for extra in {"", *wanted.extras}:
            key = (canonicalize_name(wanted.name), extra)
            if key in seen:
                continue
            seen.add(key)
            found = metadata.distribution(wanted.name)
            if not extra:
                yield found
            needs = [Requirement(text) for text in found.requires or []]
            waiting += [
                need for need in needs if not need.marker or need.marker.evaluate({"extra": extra})
            ]


def licence_file(found: metadata.Distribution) -> str:
    """Return the text of the one licence file that a distribution's metadata name, if any."""
    names = found.metadata.get_all("License-File", [])
    places = [f"licenses/{name}" for name in names] + names if len(names) == 1 else []
    return next((text for place in places if (text := found.read_text(place))), "")


def test_nothing_imported_has_a_licence_we_refuse() -> None:
    packages = list(imported())
    assert len(packages) > len((ROOT / "requirements" / "base.in").read_text().splitlines())
    reasons = {each.name: refusal(each.metadata, licence_file(each)) for each in packages}
    offences = [f"{name}: {why}" for name, why in sorted(reasons.items()) if why]
    assert not offences, "\n".join(["", *offences])


def stated(**fields: str | list[str]) -> Message:
    """Return a distribution's metadata with these fields; `_` stands for a hyphen."""
    package = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            package[name.replace("_", "-")] = value
    return package


OSI = "License :: OSI Approved"
GPL_3 = f"{OSI} :: GNU General Public License v3 (GPLv3)"


@pytest.mark.parametrize(
    "package",
    [
        stated(License_Expression="GPL-3.0-or-later"),
        stated(License_Expression="MIT AND AGPL-3.0-only"),
        stated(License_Expression="MIT AND (GPL-2.0-only OR SSPL-1.0)"),
        stated(License_Expression="BUSL-1.1"),
        stated(License_Expression="Elastic-2.0"),
        stated(Classifier=[OSI, GPL_3]),
        stated(Classifier=[f"{OSI} :: GNU Affero General Public License v3"], License="MIT"),
        stated(License="GPLv3+"),
        stated(License="GNU General Public License"),
        stated(License="Business Source License 1.1"),
        stated(License="Server Side Public License"),
        stated(License=""),
        stated(Classifier="Programming Language :: Python"),
    ],
)
def test_a_refused_licence_is_found(package: Message) -> None:
    assert refusal(package)


@pytest.mark.parametrize(
    "package",
    [
        stated(License_Expression="BSD-3-Clause AND 0BSD AND Zlib"),
        stated(License_Expression="Apache-2.0 OR GPL-2.0-only"),
        stated(License_Expression="(GPL-2.0-only OR MIT) AND LGPL-3.0-or-later"),
        stated(License_Expression="BSL-1.0"),  # Boost, not Business Source
        stated(Classifier=[f"{OSI} :: GNU Lesser General Public License v3 (LGPLv3)"]),
        stated(Classifier=[GPL_3, f"{OSI} :: MIT License"]),
        stated(License="LGPLv3"),
        stated(License="BSD-3-Clause\n\nThe compiler's run-time library is under the GPL."),
    ],
)
def test_an_open_licence_passes(package: Message) -> None:
    assert not refusal(package)


GRANT = f"Copyright 2023 A\n\n{GRANTS['MIT']} (the Software), to deal".replace(" any ", "\n  any ")


def test_where_no_licence_is_named_the_words_of_its_file_count() -> None:
    assert not refusal(stated(License_File="LICENSE"), GRANT)
    assert refusal(stated(License_File="LICENSE"), "See our site for the MIT licence.")
    assert refusal(stated(License_File="LICENSE"), f"{GRANT}\nPlugins: GNU Affero General Public")
    assert refusal(stated(License_Expression="AGPL-3.0-only"), GRANT)
