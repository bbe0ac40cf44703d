"""Files that survive a power cut: written whole under another name, synced, then renamed."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from wuxin.terms.errors import BadInput

UNFINISHED: Final = ".tmp"
"""The ending of a file that is being written; one that is left over belongs to a crash."""


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write files so that each is whole or absent whatever happens, and there once this returns.

    Each file is synced once and each directory once. A failed sync must stop the caller: what was
    reported lost by the system may be forgotten by it before a second attempt.

    Raises:
        OSError: the disk refused; some of the files may be there, none is half written.
    """
    touched = {path.parent for path in contents}
    for directory in tuple(touched):
        touched |= _make(directory)
    for path, data in contents.items():
        with path.with_name(path.name + UNFINISHED).open("wb") as file:
            file.write(data)
            file.flush()  # goes on where the system took less than it was given
            os.fsync(file.fileno())
    for path in contents:
        path.with_name(path.name + UNFINISHED).replace(path)
    for directory in touched:
        sync_directory(directory)


def settle(unfinished: Path, path: Path) -> None:
    """Give a file that was written in full its name; it survives a power cut once this returns.

    Raises:
        OSError: the disk refused; under ``path`` is the old file or the new one, and whole.
    """
    with unfinished.open("rb+") as file:
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync_directory(path.parent)


def make_directory(directory: Path) -> None:
    """Make a directory, with its parents, that survives a power cut."""
    for changed in _make(directory):
        sync_directory(changed)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def private_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """Read a secret that only its owner may read (mode 0600); the first time, make it.

    Raises:
        BadInput: others may read the file, so it is a secret no more.
    """
    if not path.exists():
        make_directory(path.parent)
        fresh = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED}")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(handle)
        try:
            # A link, unlike a rename, never replaces the secret of one who was quicker.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        sync_directory(path.parent)
    if path.stat().st_mode & 0o077:
        raise BadInput(f"{path} may be read by others; make a new secret, or chmod 600 if none did")
    return path.read_bytes()


def _make(directory: Path) -> set[Path]:
    """Make a directory with its parents; returns those whose list of names changed."""
    if directory.is_dir():
        return set()
    touched = _make(directory.parent)
    directory.mkdir(exist_ok=True)
    return touched | {directory.parent}
