"""Which file an import means."""

import pytest

from m31a_engine.code.imports import Resolver, keys_of_import, keys_of_path
from m31a_engine.code.parsed import Import

FILES = frozenset(
    """
    app/__init__.py app/store.py app/core/__init__.py app/core/engine.py app/core/store.py setup.py
    tools/json.py packages/lib-a/src/lib_a/__init__.py packages/lib-a/src/lib_a/words.pyi
    packages/lib-a/tests/test_words.py packages/lib-a/tests/support.py
    web/src/app.tsx web/src/index.ts web/src/parts/index.tsx web/src/parts/button.js web/style.css
    web/packages/ui/src/index.ts web/packages/ui/src/deep/row.ts web/packages/flat/index.js
    go/main.go go/db/db.go go/db/rows.go go/db/db_test.go
    rust/shop/src/lib.rs rust/shop/src/db.rs rust/shop/src/rows/mod.rs rust/shop/src/rows/cell.rs
    rust/shop-cli/src/main.rs
    c/main.c c/list.h c/deep/list.h c/deep/only.h
    """.split()  # noqa: SIM905
)
PACKAGES = {"go": "example.com/shop", "web/packages/ui": "@shop/ui", "web/packages/flat": "flat"}


def at(path: str, module: str, *names: str) -> set[str]:
    return set(Resolver(FILES, PACKAGES).resolve(path, Import(module=module, names=names)))


@pytest.mark.parametrize(
    ("path", "module", "names", "files"),
    [
        ("setup.py", "app.store", (), {"app/store.py"}),
        ("setup.py", "app", ("store",), {"app/store.py"}),
        ("setup.py", "app", ("store", "Name"), {"app/store.py", "app/__init__.py"}),
        ("setup.py", "app.core", ("Name",), {"app/core/__init__.py"}),
        ("setup.py", "os.path", ("join",), set()),
        ("setup.py", "json", (), set()),
        ("tools/x.py", "json", (), {"tools/json.py"}),
        ("app/core/engine.py", ".store", ("S",), {"app/core/store.py"}),
        ("app/core/engine.py", "..store", ("S",), {"app/store.py"}),
        ("app/core/engine.py", ".", ("store",), {"app/core/store.py"}),
        ("app/core/engine.py", "....", ("x",), set()),
        ("app/store.py", "app.store", (), set()),
        ("packages/lib-a/tests/test_words.py", "lib_a.words", ("w",),
         {"packages/lib-a/src/lib_a/words.pyi"}),
        ("packages/lib-a/tests/test_words.py", "lib_a", (),
         {"packages/lib-a/src/lib_a/__init__.py"}),
        ("packages/lib-a/tests/test_words.py", "support", (), {"packages/lib-a/tests/support.py"}),
    ],
)  # fmt: skip
def test_python(path: str, module: str, names: tuple[str, ...], files: set[str]) -> None:
    assert at(path, module, *names) == files


@pytest.mark.parametrize(
    ("path", "module", "files"),
    [
        ("web/src/app.tsx", "./parts", {"web/src/parts/index.tsx"}),
        ("web/src/app.tsx", "./parts/button", {"web/src/parts/button.js"}),
        ("web/src/parts/button.js", "../app.js", {"web/src/app.tsx"}),
        ("web/src/parts/button.js", "..", {"web/src/index.ts"}),
        ("web/src/app.tsx", "../style.css", {"web/style.css"}),
        ("web/src/app.tsx", "@/parts/button", {"web/src/parts/button.js"}),
        ("web/src/app.tsx", "@shop/ui", {"web/packages/ui/src/index.ts"}),
        ("web/src/app.tsx", "@shop/ui/deep/row", {"web/packages/ui/src/deep/row.ts"}),
        ("web/src/app.tsx", "flat", {"web/packages/flat/index.js"}),
        ("web/src/app.tsx", "react", set()),
        ("web/src/app.tsx", "../../../../etc/passwd", set()),
    ],
)
def test_scripts(path: str, module: str, files: set[str]) -> None:
    assert at(path, module) == files


@pytest.mark.parametrize(
    ("path", "module", "names", "files"),
    [
        ("go/main.go", "example.com/shop/db", (), {"go/db/db.go", "go/db/rows.go"}),
        ("go/db/db.go", "example.com/shop", (), {"go/main.go"}),
        ("go/main.go", "fmt", (), set()),
        ("go/main.go", "example.com/shopping", (), set()),
        ("rust/shop/src/lib.rs", "mod", ("db",), {"rust/shop/src/db.rs"}),
        ("rust/shop/src/lib.rs", "mod", ("rows",), {"rust/shop/src/rows/mod.rs"}),
        ("rust/shop/src/rows/mod.rs", "mod", ("cell",), {"rust/shop/src/rows/cell.rs"}),
        ("rust/shop/src/rows/cell.rs", "crate::db::Row", (), {"rust/shop/src/db.rs"}),
        ("rust/shop/src/rows/cell.rs", "super::Rows", (), {"rust/shop/src/rows/mod.rs"}),
        ("rust/shop/src/rows/cell.rs", "super::super::db", (), {"rust/shop/src/db.rs"}),
        ("rust/shop/src/rows/mod.rs", "self::cell::Cell", (), {"rust/shop/src/rows/cell.rs"}),
        ("rust/shop-cli/src/main.rs", "shop::rows::Rows", (), {"rust/shop/src/rows/mod.rs"}),
        ("rust/shop-cli/src/main.rs", "std::io", (), set()),
        ("rust/stray.rs", "crate::db", (), set()),
        ("c/main.c", "list.h", (), {"c/list.h"}),
        ("c/main.c", "only.h", (), {"c/deep/only.h"}),
        ("x/main.c", "list.h", (), set()),
        ("README.md", "app", (), set()),
    ],
)
def test_other_languages(path: str, module: str, names: tuple[str, ...], files: set[str]) -> None:
    assert at(path, module, *names) == files


@pytest.mark.parametrize(
    ("path", "module", "names"),
    [
        ("setup.py", "app", ("store",)),
        ("setup.py", "app.core", ("Name",)),
        ("app/core/engine.py", "..store", ("S",)),
        ("app/core/engine.py", ".", ("Name",)),
        ("packages/lib-a/tests/test_words.py", "lib_a", ()),
        ("web/src/app.tsx", "./parts", ()),
        ("web/src/parts/button.js", "../app.js", ()),
        ("web/src/parts/button.js", "..", ()),
        ("web/src/app.tsx", "@shop/ui", ()),
        ("web/src/app.tsx", "flat", ()),
        ("go/main.go", "example.com/shop/db", ()),
        ("rust/shop/src/lib.rs", "mod", ("rows",)),
        ("rust/shop/src/rows/cell.rs", "crate::db::Row", ()),
        ("rust/shop-cli/src/main.rs", "shop::Rows", ()),
        ("c/main.c", "only.h", ()),
    ],
)
def test_what_an_import_means_can_be_found_from_the_other_end(
    path: str, module: str, names: tuple[str, ...]
) -> None:
    wanted = Import(module=module, names=names)

    found = Resolver(FILES, PACKAGES).resolve(path, wanted)

    assert found
    assert all(keys_of_import(wanted) & keys_of_path(file) for file in found)
