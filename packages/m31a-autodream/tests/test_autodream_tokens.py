"""Estimates against true counts, and what an estimator learns."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_autodream import Estimator, estimate_tokens

PROSE = """\
The lighthouse keeper had three rules, and he told them to everyone who came to stay. Never leave
the lamp alone after dark. Never trust a calm that comes too quickly. And never, whatever the
radio says, send the supply boat back with an empty hold, because the harbour master remembers
such things for years. We laughed at the third one, of course; we were young, we had come for the
birds, and nobody had explained that the island's only telephone belonged to the harbour master's
brother. By the second week of October we understood. The kettle boiled slowly, the wind turned
north-west, and the boat that should have carried our bread arrived, politely, without it.
"""
CODE = """\
class RateLimiter:
    def __init__(self, per_second: float, burst: int = 10) -> None:
        self._tokens = float(burst)
        self._burst = burst
        self._per_second = per_second
        self._updated_at = time.monotonic()

    def try_acquire(self, amount: int = 1) -> bool:
        now = time.monotonic()
        elapsed = now - self._updated_at
        self._tokens = min(self._burst, self._tokens + elapsed * self._per_second)
        self._updated_at = now
        if self._tokens < amount:
            return False
        self._tokens -= amount
        return True


def parse_header(line: str) -> tuple[str, str]:
    name, separator, value = line.partition(":")
    if not separator or name != name.strip():
        raise ValueError(f"malformed header: {line!r}")
    return name.lower(), value.strip()
"""
DATA = """\
{"id": "ord_10482", "status": "paid", "total": 129.95, "currency": "EUR",
 "customer": {"name": "Mara Lindqvist", "email": "mara@example.org", "newsletter": false},
 "items": [{"sku": "KB-204-DE", "title": "Keyboard, German layout", "quantity": 1, "price": 89.0},
           {"sku": "CBL-USBC-2M", "title": "USB-C cable, 2 m", "quantity": 3, "price": 13.65}],
 "shipping": {"method": "standard", "address": ["Hauptstrasse 12", "10827 Berlin"], "eta": null},
 "created_at": "2026-03-14T09:26:53Z", "tags": ["returning", "gift"], "version": 7}
"""
RUSSIAN = """\
Сервер не отвечает, поэтому повторите запрос через несколько минут. Если ошибка повторяется,
проверьте настройки сети и убедитесь, что ключ доступа указан верно.
"""
JAPANESE = """\
サーバーが応答しないため、数分後にもう一度お試しください。ネットワークの設定を確認し、
アクセスキーが正しいことを確かめてください。
"""

# Counted with the public table of each family.
TRUE_COUNTS = [
    ("gpt-5", PROSE, 144),
    ("gpt-4", PROSE, 146),
    ("claude-2", PROSE, 149),
    ("deepseek-chat", PROSE, 146),
    ("gpt-5", CODE, 206),
    ("gpt-4", CODE, 205),
    ("claude-2", CODE, 214),
    ("deepseek-chat", CODE, 220),
    ("gpt-5", DATA, 195),
    ("gpt-4", DATA, 196),
    ("claude-2", DATA, 197),
    ("deepseek-chat", DATA, 201),
    ("gpt-5", RUSSIAN, 36),
    ("gpt-4", RUSSIAN, 59),
    ("claude-2", RUSSIAN, 79),
    ("deepseek-chat", RUSSIAN, 46),
    ("gpt-5", JAPANESE, 44),
    ("gpt-4", JAPANESE, 69),
    ("claude-2", JAPANESE, 67),
    ("deepseek-chat", JAPANESE, 41),
]


@pytest.mark.parametrize(("model", "text", "true_count"), TRUE_COUNTS)
def test_estimates_are_near_the_true_count_of_the_family(
    model: str, text: str, true_count: int
) -> None:
    tolerance = 0.12 if text.isascii() else 0.25

    assert estimate_tokens(text, model) == pytest.approx(true_count, rel=tolerance)


@pytest.mark.parametrize("text", [PROSE, CODE, DATA])
def test_an_unknown_model_is_near_all_families(text: str) -> None:
    true_counts = [true for _, counted, true in TRUE_COUNTS if counted == text]

    for true_count in true_counts:
        assert estimate_tokens(text, "some/new-model") == pytest.approx(true_count, rel=0.12)
    assert estimate_tokens(text) == estimate_tokens(text, "some/new-model")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anthropic/claude-sonnet-4.5", "claude-2"),
        ("openai/gpt-5.2", "gpt-4o"),
        ("openai/o3-mini", "o1"),
        ("gpt-4.1", "gpt-4o"),
        ("gpt-3.5-turbo", "gpt-4"),
        ("deepseek/deepseek-v3", "DeepSeek-Chat"),
        ("meta/llama-4", "mistral/pro1"),
    ],
)
def test_ids_of_one_family_get_one_estimate(one: str, other: str) -> None:
    text = DATA + RUSSIAN + "Überprüfung 日本 🎉 αβγ"

    assert estimate_tokens(text, one) == estimate_tokens(text, other)


def test_only_an_empty_text_has_no_tokens() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens(" ") == 1
    assert estimate_tokens("\n\n") == 1


@settings(deadline=None, max_examples=150)
@given(st.text(), st.text())
def test_a_line_more_never_makes_an_estimate_smaller(text: str, more: str) -> None:
    whole = estimate_tokens(f"{text}\n{more}")

    assert whole >= max(estimate_tokens(text), estimate_tokens(more))


@pytest.mark.parametrize(
    "piece", [" ", "\n", "a", "A", "aA", "=", "7", "é", "\t\n", "日", "\ud800"]
)
def test_hostile_repetition_is_estimated_in_linear_time(piece: str) -> None:
    text = piece * 300_000  # anything quadratic would not come back from this

    assert 0 < estimate_tokens(text) <= len(text.encode("utf-8", "surrogatepass"))


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(), min_size=1))
def test_an_estimate_is_at_least_one_and_at_most_the_bytes(text: str) -> None:
    for model in ("", "gpt-5", "gpt-4", "claude", "deepseek"):
        assert 1 <= estimate_tokens(text, model) <= len(text.encode("utf-8", "surrogatepass"))


def test_an_estimator_learns_the_ratio_of_real_to_estimated() -> None:
    estimator = Estimator("claude-next")
    raw = estimate_tokens(PROSE, "claude-next")
    assert estimator.estimate(PROSE) == raw

    estimator.observe(1000, 1300)
    assert estimator.factor == pytest.approx(1.3)
    assert estimator.estimate(PROSE) == round(raw * 1.3)
    assert estimator.correct(200) == 260

    estimator.observe(1000, 1100)
    assert estimator.factor == pytest.approx(1.2), "the second figure weighs a half"
    for _ in range(30):
        estimator.observe(1000, 900)
    assert estimator.factor == pytest.approx(0.9, abs=0.001)


def test_after_many_figures_one_outlier_moves_the_factor_by_a_third_of_its_difference() -> None:
    estimator = Estimator()
    for _ in range(10):
        estimator.observe(100, 100)

    estimator.observe(100, 200)

    assert estimator.factor == pytest.approx(1.3)


@pytest.mark.parametrize(("estimated", "real"), [(0, 10), (10, 0), (-5, 10), (10, -5)])
def test_figures_that_say_nothing_are_ignored(estimated: int, real: int) -> None:
    estimator = Estimator()
    estimator.observe(estimated, real)
    estimator.observe(100, 150)

    assert estimator.factor == pytest.approx(1.5)


def test_the_correction_keeps_within_a_tenth_and_ten() -> None:
    low, high = Estimator(), Estimator()
    low.observe(1_000_000, 1)
    high.observe(1, 1_000_000)

    assert (low.factor, high.factor) == (0.1, 10.0)
