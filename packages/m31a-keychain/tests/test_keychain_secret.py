import copy
import logging
import pickle
from collections.abc import Callable
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_keychain import (
    BadSecret,
    Found,
    MemoryStore,
    NoBackend,
    NoStore,
    Secret,
    Source,
    SourceKind,
    StoreStatus,
)
from m31a_keychain.patience import Patience

PLANTED = "sk-" + "xqzvj" * 6


def test_a_secret_never_shows_itself(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(PLANTED)
    found = Found(secret, Source(SourceKind.ENVIRONMENT, "X"))

    logging.getLogger("test").warning("using %s %r from %s", secret, secret, found)
    shown = [str(secret), repr(secret), f"{secret:>20}", f"{secret!r}", repr(found), caplog.text]
    shown += [repr(asdict(found)), repr(MemoryStore({"zen": secret})), repr(vars(MemoryStore()))]

    assert not [text for text in shown if "xqzvj" in text]
    assert f"{secret:>6}" == "  ••••"
    assert secret.reveal() == PLANTED


@given(st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=60, deadline=None)
def test_secrets_are_equal_when_their_texts_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert Secret(one) != one


def test_a_secret_has_no_hash_and_no_pickle() -> None:
    secret = Secret(PLANTED)

    with pytest.raises(TypeError):
        hash(secret)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps({"key": secret})
    assert not hasattr(secret, "__dict__")


def test_a_copy_of_a_secret_is_the_secret() -> None:
    secret = Secret(PLANTED)

    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_a_memory_store_keeps_replaces_and_forgets() -> None:
    store = MemoryStore({"zen": Secret("first")})
    store.set("zen", Secret(" second\n"))

    assert store.get("zen") == Secret("second")
    assert store.get("other") is None
    assert [store.delete("zen"), store.delete("zen")] == [True, False]
    assert store.get("zen") is None
    assert store.status().is_available


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("two\nlines", "line end"),
        ("zero\u200bwidth", "invisible"),
        ("clé", "non-ASCII"),
        ("esc\x1b[0m", "invisible"),
        ("x" * 1025, "1025 characters"),
    ],
)
def test_what_no_key_looks_like_is_refused_and_not_told(text: str, flaw: str) -> None:
    with pytest.raises(BadSecret, match=flaw) as caught:
        MemoryStore().set("zen", Secret(text))

    assert not text.strip() or text.strip() not in str(caught.value)


def test_without_a_store_every_call_says_why() -> None:
    store = NoStore("no bus")
    calls: tuple[Callable[[], object], ...] = (
        lambda: store.get("zen"),
        lambda: store.set("zen", Secret(PLANTED)),
        lambda: store.delete("zen"),
    )

    for call in calls:
        with pytest.raises(NoBackend, match="the keychain cannot be used: no bus"):
            call()
    assert store.status() == StoreStatus("the keychain", False, "no bus")


def test_a_bug_in_a_patient_call_flies_to_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        Patience().call(lambda: 1 // 0, store="x", deadline_s=60)
