# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every example in a docstring and in the pages holds."""

from __future__ import annotations

import doctest
import importlib
import pathlib
import pkgutil

import pytest

import mtasts

HERE = pathlib.Path(__file__).parents[1]
MODULES = [found.name for found in pkgutil.iter_modules(mtasts.__path__)]


@pytest.mark.parametrize("name", [name for name in MODULES if name != "__main__"])
def test_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"mtasts.{name}")).failed == 0


@pytest.mark.parametrize("page", ["README.md", "RECIPES.md"])
def test_pages(page: str) -> None:
    result = doctest.testfile(str(HERE / page), module_relative=False, encoding="utf-8")
    assert result.failed == 0 and result.attempted > 0


def test_everything_public_is_documented() -> None:
    unions = {"Answer", "Step"}
    texts = {"library_path", "library_version"}
    for name in {*mtasts.__all__} - unions - texts:
        assert getattr(mtasts, name).__doc__, name
