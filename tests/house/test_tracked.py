"""The repository speaks of the project alone, and stays small."""

import re
from collections.abc import Callable

import pytest

from tests.house.tree import Offence, kept_files, report

FILE_BYTES = 1_000_000

# Each name is put together here, so that this file does not contain what it looks for.
HOMES = ("work", "root", "home", "Users")
PERSONAL_PATH = re.compile(rf"(?:(?<=://)|(?<![\w.~$%{{}}/*)>-]))/(?:{'|'.join(HOMES)})/[\w.]")
HOSTS = (
    "py" + "pi.org",
    "py" + "thonhosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "yarn" + "pkg.com",
    "deb" + ".debian.org",
    "ftp" + ".debian.org",
    "security" + ".debian.org",
    "snapshot" + ".debian.org",
)
MIRROR = "py" + "pi"
REGISTRY = re.compile(
    rf"\b(?:{'|'.join(map(re.escape, HOSTS))})\b|https?://[^\s\"'<>]*\b{MIRROR}\b", re.IGNORECASE
)


def personal_paths(content: bytes) -> list[Offence]:
    """Find paths that exist only on somebody's machine."""
    return _hits(content, PERSONAL_PATH)


def registry_hosts(content: bytes) -> list[Offence]:
    """Find hosts of package registries, whose choice is the machine's and not the project's."""
    return _hits(content, REGISTRY)


def large_files(content: bytes) -> list[Offence]:
    """Find files that every clone would carry for ever."""
    count = len(content)
    return [(1, f"{count} bytes, at most {FILE_BYTES}")] if count > FILE_BYTES else []


def _hits(content: bytes, pattern: re.Pattern[str]) -> list[Offence]:
    if b"\0" in content:
        return []  # not text
    lines = content.decode("utf-8", errors="replace").splitlines()
    return [
        (number, hit[0])
        for number, line in enumerate(lines, start=1)
        for hit in pattern.finditer(line)
    ]


Checker = Callable[[bytes], list[Offence]]


@pytest.mark.parametrize("find", [personal_paths, registry_hosts, large_files])
def test_nothing_tracked_is_out_of_place(find: Checker) -> None:
    files = kept_files()
    assert files
    offences = report({path: find(path.read_bytes()) for path in files})
    assert not offences, "\n" + offences


BAD = [
    (personal_paths, "\nsee /" + "work/main/x", "2: /" + "work/m"),
    (personal_paths, "'/" + "root/.cache'", "1: /" + "root/."),
    (personal_paths, "file:///" + "home/li/x", "1: /" + "home/l"),
    (personal_paths, "C:/" + "Users/li", "1: /" + "Users/l"),
    (registry_hosts, "https://" + HOSTS[0] + "/simple", "1: https://py"),
    (registry_hosts, "a\nfiles." + HOSTS[1], "2: " + HOSTS[1]),
    (registry_hosts, "https://registry." + HOSTS[2] + "/x", "1: " + HOSTS[2]),
    (registry_hosts, "http://" + HOSTS[5] + "/debian", "1: " + HOSTS[5]),
    (registry_hosts, "https://m.example/" + MIRROR + "/simple", "1: https://m.example/"),
    (large_files, "x" * 1_000_001, "1: 1000001 bytes, at most 1000000"),
]


@pytest.mark.parametrize(("find", "text", "offence"), BAD)
def test_what_is_out_of_place_is_found(find: Checker, text: str, offence: str) -> None:
    [(line, what)] = find(text.encode())
    assert f"{line}: {what}".startswith(offence)


GOOD = [
    (personal_paths, "src/" + "work/x.py and ../" + "home/x and https://a.example/" + "home/x"),
    (personal_paths, "--home DIR, /" + "home alone, $HOME/" + "work/x"),
    (registry_hosts, "the package on Py" + "PI, by its name"),
    (large_files, "x" * 1_000_000),
]


@pytest.mark.parametrize(("find", "text"), GOOD)
def test_what_is_in_place_passes(find: Checker, text: str) -> None:
    assert not find(text.encode())
