# SPDX-License-Identifier: MIT OR Apache-2.0
"""Finds libmtasts and libmtasts-host, loads them, and checks their version.

The wheel carries both. `MTASTS_LIBRARY` puts others in their place: the path of a `libmtasts.so.0`
or of the folder that it is in, or the word `system` for what the dynamic loader finds. Without
the wheel's own, as in a distribution's package, the loader's are taken.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
import sys
import threading
from typing import Any

#: The version of the C header that this package is written for.
VERSION = (0, 1, 0)
ABI = 0
ENGINE = f"libmtasts.so.{ABI}"
HOST = f"libmtasts-host.so.{ABI}"

_OWN = pathlib.Path(__file__).parent / "lib"
_lock = threading.Lock()
_host: Libraries | None = None


class Libraries:
    """One shared library, loaded twice: `quick` keeps the GIL and is for calls that never wait,
    which cost less so; `waiting` gives it up, so that other threads run meanwhile."""

    def __init__(self, path: str) -> None:
        self.path = path
        # PyPy has no PyDLL.
        self.quick = getattr(ctypes, "PyDLL", ctypes.CDLL)(path)
        self.waiting = ctypes.CDLL(path)


def _place(name: str) -> str:
    """What to load as the library `name`."""
    chosen = "" if sys.flags.ignore_environment else os.environ.get("MTASTS_LIBRARY", "")
    if chosen == "system":
        return name
    if chosen:
        given = pathlib.Path(chosen)
        if given.is_dir():
            return str(given / name)
        return str(given) if name == ENGINE else str(given.with_name(name))
    own = _OWN / name
    return str(own) if own.exists() else name


def _load(name: str) -> Libraries:
    path = _place(name)
    try:
        return Libraries(path)
    except OSError as error:
        message = (
            f"mtasts needs {name}, which cannot be loaded: {error}. Install the wheel of mtasts, "
            "or libmtasts of your distribution, or set MTASTS_LIBRARY to the path of the library."
        )
        raise ImportError(message, name="mtasts", path=path) from error


def engine() -> Libraries:
    """Loads libmtasts, of a version that serves this package.

    Raises:
        ImportError: it is not there, or too old.
    """
    libraries = _load(ENGINE)
    check = _function(libraries, "mtasts_version_check")
    check.restype, check.argtypes = ctypes.c_int32, [ctypes.c_int32] * 3
    if check(*VERSION) != 0:
        version = _function(libraries, "mtasts_version")
        version.restype = ctypes.c_char_p
        needed = ".".join(map(str, VERSION))
        raise ImportError(
            f"mtasts needs libmtasts {needed} or later, and {libraries.path} is "
            f"{version().decode()}. Upgrade it, or unset MTASTS_LIBRARY to use the wheel's own.",
            name="mtasts",
            path=libraries.path,
        )
    return libraries


def _function(libraries: Libraries, name: str) -> Any:
    try:
        return getattr(libraries.quick, name)
    except AttributeError as error:
        message = f"{libraries.path} is not libmtasts: it has no {name}"
        raise ImportError(message, name="mtasts", path=libraries.path) from error


def host() -> Libraries:
    """Loads libmtasts-host, once. libmtasts is to be loaded already, which it finds by its name.

    Raises:
        ImportError: it is not there.
    """
    global _host
    with _lock:
        if _host is None:
            _host = _load(HOST)
        return _host
