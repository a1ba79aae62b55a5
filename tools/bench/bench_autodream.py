"""Prints how far `estimate_tokens` is from the true counts of public tokenizer tables.

    python tools/bench/bench_autodream.py

The tables are those in litellm's wheel (DeepSeek's is in it since 1.109), read with tiktoken and
tokenizers; install the three into a throw-away environment beside m31a-autodream. A table that the
installed litellm lacks is left out; without any only the speed is printed. Documents are this
machine's own: the standard library, the texts and JSON of installed packages, diffs and listings.
The exit code is 1 when a mean error reaches 12 %.
"""

import base64
import difflib
import json
import random
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import distributions
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from m31a_autodream import estimate_tokens

GOAL = 0.12
DOCUMENTS, CHARACTERS = 40, 6000
CL100K, O200K = (
    "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    "fb374d419588a4632f3f557e76b4b70aebbca790",
)
CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
CL100K_PIECES = (
    rf"{CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K_PIECES = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTION}?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTION}?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

Counter = Callable[[str], int]


def true_counters() -> dict[str, tuple[str, Counter]]:
    """For each table found, a model that belongs to it and its counting function."""
    litellm = find_spec("litellm")
    if litellm is None or not (find_spec("tiktoken") and find_spec("tokenizers")):
        return {}
    tiktoken, tokenizers = import_module("tiktoken"), import_module("tokenizers")
    assert litellm.submodule_search_locations
    folder = Path(litellm.submodule_search_locations[0], "litellm_core_utils", "tokenizers")

    def ranked(name: str, pieces: str) -> Counter:
        lines = (folder / name).read_bytes().split(b"\n")
        ranks = {base64.b64decode(t): int(r) for t, r in (ln.split() for ln in lines if ln)}
        encoding = tiktoken.Encoding(name, pat_str=pieces, mergeable_ranks=ranks, special_tokens={})
        return lambda text: len(encoding.encode_ordinary(text))

    def packed(name: str) -> Counter:
        tokenizer = tokenizers.Tokenizer.from_file(str(folder / name))
        return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)

    known: dict[str, tuple[str, str, Callable[[str], Counter]]] = {
        "o200k": ("gpt-4o", O200K, lambda name: ranked(name, O200K_PIECES)),
        "cl100k": ("gpt-4", CL100K, lambda name: ranked(name, CL100K_PIECES)),
        "claude": ("claude", "anthropic_tokenizer.json", packed),
        "deepseek": ("deepseek", "deepseek_tokenizer.json", packed),
    }
    for name, (_, file, _) in known.items():
        if not (folder / file).is_file():
            print(f"not compared with {name}: this litellm ships no {file}")
    return {
        name: (model, read(file))
        for name, (model, file, read) in known.items()
        if (folder / file).is_file()
    }


def documents() -> dict[str, list[str]]:
    """Texts by kind, the same on every run on one machine."""
    chance = random.Random(60)
    library = Path(sysconfig.get_path("stdlib"))
    packages = Path(sysconfig.get_path("purelib"))

    def some(paths: Iterable[Path]) -> list[str]:
        found = sorted(paths)
        chance.shuffle(found)
        texts: list[str] = []
        for path in found:
            text = path.read_text("utf-8", errors="replace")
            start = text.find("\n", chance.randrange(max(1, len(text) - CHARACTERS))) + 1
            if len(piece := text[start : start + CHARACTERS]) > 800:
                texts.append(piece)
            if len(texts) == DOCUMENTS:
                break
        return texts

    code = some(library.glob("[a-z]*/*.py"))
    prose = some([*packages.glob("*.dist-info/METADATA"), *packages.rglob("*.md")])
    facts = [dist.metadata.json for dist in distributions()]
    for fact in facts:
        fact.pop("description", None)
    stored = [
        json.dumps(fact, indent=indent)
        for indent, half in ((2, facts[::2]), (None, facts[1::2]))
        for fact in half
    ]
    calls = [
        json.dumps({"id": f"call_{n}", "name": "FileWrite", "arguments": {"content": text}})
        for n, text in enumerate(chance.sample(code, 15))
    ]
    diffs = [
        "".join(difflib.unified_diff(a.splitlines(True), b.splitlines(True)))[:CHARACTERS]
        for a, b in pairwise(code[:9])
    ]
    listings = [
        "".join(f"-rw-r--r-- 1 root root {p.stat().st_size:8} {p}\n" for p in sorted(f.iterdir()))
        for f in chance.sample(sorted(packages.glob("*/")), 8)
    ]
    answers = [
        f"{text[:1500]}\n```python\n{snippet[:1500]}\n```\n{data[:600]}\n"
        for text, snippet, data in zip(prose, code, stored, strict=False)
    ]
    every = {
        "prose": prose,
        "code": code,
        "JSON": [*some(packages.rglob("*.json")), *stored, *calls],
        "mixed": [*diffs, *listings, *answers],
    }
    return {kind: [text for text in texts if len(text) > 800] for kind, texts in every.items()}


def main() -> int:
    """Print both tables; 0 when every goal is met."""
    kinds = documents()
    counters = true_counters()
    worst = 0.0
    if counters:
        heads = "".join(f"{f'{name}':>20}" for name in counters)
        print(f"mean error of one document, in brackets its bias{chr(10)}{'':20}{heads}")
    for kind, texts in kinds.items() if counters else ():
        cells = []
        for model, count in counters.values():
            errors = [estimate_tokens(text, model) / count(text) - 1 for text in texts]
            mean = sum(map(abs, errors)) / len(errors)
            worst = max(worst, mean)
            cells.append(f"{mean:12.1%} ({sum(errors) / len(errors):+5.1%})")
        print(f"{kind:6} {len(texts):3} documents{''.join(cells)}")
    if not counters:
        print("no tokenizer tables here: pip install litellm tiktoken tokenizers")
    everything = "\n".join(text for texts in kinds.values() for text in texts)
    began = time.perf_counter()
    estimate_tokens(everything)
    elapsed_s = time.perf_counter() - began
    print(f"speed: {len(everything) / elapsed_s / 1e6:.0f} million characters a second")
    return 0 if worst < GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
