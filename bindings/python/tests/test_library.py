# SPDX-License-Identifier: MIT OR Apache-2.0
"""Which library is loaded, what is said where none can be, and that the ABI is the header's."""

from __future__ import annotations

import ctypes
import os
import pathlib
import re
import subprocess
import sys
import threading

import pytest

import mtasts
from mtasts import _abi, _host_abi, words

ROOT = pathlib.Path(os.environ.get("MTASTS_ROOT", pathlib.Path(__file__).parents[3]))
HEADERS = [ROOT / "include" / name for name in ("mtasts.h", "mtasts_host.h")]


def run(code: str, library: str | None, *options: str) -> subprocess.CompletedProcess[str]:
    """A process that imports the package with another MTASTS_LIBRARY."""
    environment = {name: value for name, value in os.environ.items() if name != "MTASTS_LIBRARY"}
    if library is not None:
        environment["MTASTS_LIBRARY"] = library
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("ending", ["", "/libmtasts.so.0"])
def test_a_library_of_ones_own(ending: str) -> None:
    folder = str(pathlib.Path(mtasts.library_path).parent)
    code = "import mtasts; print(mtasts.library_path, mtasts.domain_to_ascii('ü.example'))"
    done = run(code, folder + ending)
    assert done.stdout == f"{folder}/libmtasts.so.0 xn--tda.example\n", done.stderr


@pytest.mark.skipif(
    not os.path.isdir(ROOT / "build" / "lib"), reason="needs the repository's build"
)
def test_a_library_of_the_system() -> None:
    path = str(ROOT / "build" / "lib")
    environment = {**os.environ, "MTASTS_LIBRARY": "system", "LD_LIBRARY_PATH": path}
    code = "import mtasts; print(mtasts.library_path)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "libmtasts.so.0\n"


def test_a_library_that_is_not_there() -> None:
    done = run("import mtasts", "/nowhere")
    assert done.returncode == 1
    assert "ImportError: mtasts needs libmtasts.so.0, which cannot be loaded" in done.stderr
    assert "set MTASTS_LIBRARY" in done.stderr


def compiled(source: str, folder: pathlib.Path) -> str:
    """A library made of C, in the place of libmtasts."""
    (folder / "x.c").write_text(source)
    place = folder / "libmtasts.so.0"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", place, folder / "x.c"], check=True)
    return str(place)


def test_a_library_that_is_too_old(tmp_path: pathlib.Path) -> None:
    library = compiled(
        "int mtasts_version_check(int a, int b, int c) { return 14; }"
        'const char *mtasts_version(void) { return "0.0.9"; }',
        tmp_path,
    )
    done = run("import mtasts", library)
    assert "ImportError: mtasts needs libmtasts 0.1.0 or later, and" in done.stderr
    assert "is 0.0.9. Upgrade it" in done.stderr


def test_a_library_that_lacks_something(tmp_path: pathlib.Path) -> None:
    done = run("import mtasts", compiled("int nothing;", tmp_path))
    assert "is not libmtasts: it has no mtasts_version_check" in done.stderr
    library = compiled("int mtasts_version_check(int a, int b, int c) { return 0; }", tmp_path)
    done = run("import mtasts", library)
    assert "has no mtasts_strerror: it is too old" in done.stderr


def test_the_environment_can_be_ignored() -> None:
    # -E is for programs that must not trust it.
    code = f"import sys; sys.path[:0] = {sys.path!r}; import mtasts"
    assert "/nowhere" not in run(code, "/nowhere", "-E").stderr


def test_libmtasts_alone_serves_the_engine(tmp_path: pathlib.Path) -> None:
    os.symlink(mtasts.library_path, tmp_path / "libmtasts.so.0")
    engine = "import mtasts; mtasts.Lookup('example.com').poll(); "
    assert run(engine + "import mtasts.aio", str(tmp_path)).returncode == 0
    done = run(engine + "mtasts.DefaultHost()", str(tmp_path))
    assert "ImportError: mtasts needs libmtasts-host.so.0" in done.stderr


def header() -> str:
    """Both headers without comments."""
    text = "\n".join(path.read_text() for path in HEADERS)
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def constants(prefix: str) -> dict[str, int]:
    """The constants of the header that begin so, by the words they stand for."""
    found = re.findall(rf"#define {prefix}_([A-Z0-9_]+) (\d+)\n", header())
    return {name.lower().replace("_", "-"): int(number) for name, number in found}


@pytest.mark.parametrize(
    ("word", "prefix", "beside"),
    [
        (words.Mode, "MTASTS_MODE", ()),
        (words.Basis, "MTASTS_BASIS", ()),
        (words.Reason, "MTASTS_REASON", ("none",)),
        (words.Result, "MTASTS_RESULT", ("none",)),
        (words.Action, "MTASTS_ACTION", ()),
        (words.Cause, "MTASTS_CAUSE", ("none",)),
        (words.Tls, "MTASTS_TLS", ()),
        (words.Certificate, "MTASTS_CERTIFICATE", ()),
        (words.Dane, "MTASTS_DANE", ()),
        (words.DomainDane, "MTASTS_DOMAIN_DANE", ()),
        (words.PostfixLevel, "MTASTS_POSTFIX_LEVEL", ()),
    ],
)
def test_words_have_the_numbers_of_the_header(
    word: type[words.Word], prefix: str, beside: tuple[str, ...]
) -> None:
    wanted = constants(prefix)
    for name in beside:
        del wanted[name]
    assert {member.value: member.number for member in word} == wanted


def test_failures_have_the_numbers_of_the_header() -> None:
    wanted = {**constants("MTASTS_TXT"), **constants("MTASTS_FETCH")}
    wanted |= {"store-failed": constants("MTASTS_STORE")["failed"]}
    wanted |= {"local": constants("MTASTS_LOCAL")["failure"]}
    del wanted["no-records"]
    assert {member.value: member.number for member in words.Failure} == wanted


C_TYPES: dict[str, object] = {
    "size_t": ctypes.c_size_t,
    "int32_t": ctypes.c_int32,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "const char *": ctypes.c_char_p,
}


@pytest.mark.parametrize(
    "struct",
    [
        *(_abi.Problem, _abi.Config, _abi.OutcomeFacts, _abi.Session, _abi.Verdict, _abi.Step),
        *(_abi.Saved, _abi.PostfixStyle, _abi.TlsrptDetails, _abi.Str, _abi.Bytes),
        *(_host_abi.Options, _host_abi.Der, _host_abi.Callbacks),
    ],
)
def test_structs_are_laid_out_as_in_c(
    struct: type[ctypes.Structure], tmp_path: pathlib.Path
) -> None:
    name = {"Options": "default_host_options", "Callbacks": "host"}.get(
        struct.__name__, re.sub(r"(?<!^)(?=[A-Z])", "_", struct.__name__).lower()
    )
    members = [member[0] for member in struct._fields_]
    lines = [f'printf("%zu\\n", offsetof(mtasts_{name}, {member}));' for member in members]
    lines.append(f'printf("%zu\\n", sizeof(mtasts_{name}));')
    source = "#include <stddef.h>\n#include <stdio.h>\n#include <mtasts_host.h>\n"
    (tmp_path / "x.c").write_text(source + "int main(void) {" + "".join(lines) + "return 0; }")
    include = str(ROOT / "include")
    subprocess.run(["cc", "-I", include, "-o", tmp_path / "x", tmp_path / "x.c"], check=True)
    in_c = subprocess.run([tmp_path / "x"], capture_output=True, text=True, check=True).stdout
    here = [getattr(struct, member).offset for member in members]
    assert [*here, ctypes.sizeof(struct)] == [int(line) for line in in_c.split()]
    declared = re.search(
        rf"typedef struct mtasts_{name} {{(.*?)}} mtasts_{name};", header(), re.DOTALL
    )
    assert declared is not None
    assert len(declared.group(1).strip().rstrip(";").split(";")) == len(members)


def test_functions_take_as_many_arguments_as_in_c() -> None:
    prototypes = re.findall(r"\b(mtasts_\w+)\(([^()]*)\);", header())
    takes = {name: 0 if args == "void" else args.count(",") + 1 for name, args in prototypes}
    bound = 0
    for module in (_abi, _host_abi):
        for function in vars(module).values():
            if isinstance(function, ctypes._CFuncPtr):  # type: ignore[attr-defined]
                bound += 1
                name = function.__name__  # type: ignore[attr-defined]
                assert len(function.argtypes or ()) == takes[name], name
    assert bound > 60


def test_importing_starts_no_thread() -> None:
    code = "import mtasts, threading; mtasts.DefaultHost(); print(threading.active_count())"
    assert run(code, os.environ.get("MTASTS_LIBRARY")).stdout == "1\n"
    assert threading.active_count() >= 1
