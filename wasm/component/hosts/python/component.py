# SPDX-License-Identifier: MIT OR Apache-2.0
"""The component in Python, by wasmtime: what `../../../wit/mtasts.wit` calls `lookups`, function
`[static]lookup.start`, is `component.call("lookups", "[static]lookup.start", ...)`.

Values are as wasmtime has them: a record is a `Record` whose attributes keep their hyphens, a
variant a `Variant`, octets are `bytes`, a resource is to be dropped. An error is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wasmtime import Engine, Store
from wasmtime.component import Component as Code
from wasmtime.component import ExportIndex, Func, Linker, Record, ResourceAny, Variant

PACKAGE = "mtasts:engine"
VERSION = "0.1.0"


class EngineError(Exception):
    """What the engine refused: `kind` is its word, `line` and `column` where that was seen."""

    def __init__(self, error: Record) -> None:
        super().__init__(error.message)
        self.kind: str = error.kind
        self.line: int = error.line
        self.column: int = error.column


def record(**fields: Any) -> Record:
    """A record; `mx_host` becomes `mx-host`."""
    made = Record()
    for name, value in fields.items():
        setattr(made, name.replace("_", "-"), value)
    return made


def field(of: Record, name: str) -> Any:
    """A field whose name has a hyphen."""
    return getattr(of, name)


class Component:
    """An instance. One thread at a time may use it."""

    def __init__(self, path: str, host: Mapping[str, Callable[..., Any]] | None = None) -> None:
        """`host`: the functions of the interface `host`, for the world `resolving`."""
        engine = Engine()
        code = Code.from_file(engine, path)
        linker = Linker(engine)
        if host is not None:
            with linker.root() as root, root.add_instance(_name("host")) as functions:
                for name, function in host.items():
                    functions.add_func(name, _without_store(function))
        self._store = Store(engine)
        self._instance = linker.instantiate(self._store, code)
        self._interfaces: dict[str, ExportIndex] = {}
        self._functions: dict[tuple[str, str], Func] = {}

    def call(self, interface: str, name: str, *arguments: Any) -> Any:
        """Calls a function and gives its result; the record `error` is raised."""
        function = self._functions.get((interface, name)) or self._find(interface, name)
        result = function(self._store, *arguments)
        # Of a result whose sides are alike wasmtime says which one it is.
        if isinstance(result, Variant) and result.tag in {"ok", "err"}:
            result = result.payload
        if isinstance(result, Record) and hasattr(result, "kind"):
            raise EngineError(result)
        return result

    def drop(self, *resources: ResourceAny | None) -> None:
        """Ends resources."""
        for resource in resources:
            if resource is not None:
                resource.drop(self._store)

    def _find(self, interface: str, name: str) -> Func:
        within = self._interfaces.get(interface) or self._instance.get_export_index(
            self._store, _name(interface))
        if within is None:
            raise LookupError(f"the component has no {interface}")
        self._interfaces[interface] = within
        index = self._instance.get_export_index(self._store, name, within)
        function = index and self._instance.get_func(self._store, index)
        if not function:
            raise LookupError(f"{interface} has no {name}")
        self._functions[interface, name] = function
        return function


def _name(interface: str) -> str:
    return f"{PACKAGE}/{interface}@{VERSION}"


def _without_store(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _store, *arguments: function(*arguments)
