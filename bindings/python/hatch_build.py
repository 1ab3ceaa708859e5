# SPDX-License-Identifier: MIT OR Apache-2.0
"""Puts libmtasts and libmtasts-host into the wheel, and says for which systems it is.

They come from MTASTS_LIBDIR, else from ../../build/lib where `make lib` has built them. Who
packages for a distribution sets MTASTS_SYSTEM=1: then the wheel holds Python alone, and the
libraries are the system's.
"""

from __future__ import annotations

import os
import pathlib
import platform
import re
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LIBRARIES = ("libmtasts.so.0", "libmtasts-host.so.0")


class Hook(BuildHookInterface[BuilderConfig]):
    """Called by hatchling."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the libraries and the tag."""
        if version == "editable" or os.environ.get("MTASTS_SYSTEM") == "1":
            return
        root = pathlib.Path(self.root)
        folder = pathlib.Path(os.environ.get("MTASTS_LIBDIR", root / "../../build/lib"))
        paths = [folder / name for name in LIBRARIES]
        missing = [str(path) for path in paths if not path.is_file()]
        if missing:
            raise FileNotFoundError(
                f"{', '.join(missing)}: run `make lib` in the repository, or set MTASTS_LIBDIR to "
                "the folder of the libraries, or MTASTS_SYSTEM=1 for a wheel without them"
            )
        for path in paths:
            build_data["force_include"][str(path.resolve())] = f"mtasts/lib/{path.name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag(paths)}"


def tag(paths: list[pathlib.Path]) -> str:
    """The platform tag (PEP 600): the newest glibc whose symbols the libraries need."""
    versions = [re.findall(rb"GLIBC_2\.(\d+)", path.read_bytes()) for path in paths]
    newest = max(int(minor) for found in versions for minor in found)
    return f"manylinux_2_{newest}_{platform.machine()}"
