import pytest

from m31a_keychain import (
    BadProviderName,
    Denied,
    Found,
    MemoryStore,
    Missing,
    NoStore,
    Secret,
    SecretStore,
    SourceKind,
    StoreStatus,
    resolve,
    service_of,
    variables_of,
)

OURS = {"M31A_OPENROUTER_API_KEY": " from-ours "}
CHOSEN = {"WORK_KEY": "from-chosen"}
USUAL = {"OPENROUTER_API_KEY": "from-usual\n"}


class LockedStore:
    """A keychain nobody unlocks."""

    name = "Secret Service"

    def get(self, provider: str) -> Secret | None:
        raise Denied(self.name, "unlock it")

    def set(self, provider: str, secret: Secret) -> None:
        raise Denied(self.name, "unlock it")

    def delete(self, provider: str) -> bool:
        raise Denied(self.name, "unlock it")

    def status(self) -> StoreStatus:
        return StoreStatus(self.name, False, "locked")


class UnaskedStore(LockedStore):
    """A keychain that must not be asked."""

    def get(self, provider: str) -> Secret | None:
        raise AssertionError("asked")


def found(
    environ: dict[str, str], store: SecretStore | None, configured: str | Secret | None
) -> tuple[str, str]:
    answer = resolve(
        "openrouter", environ=environ, store=store, configured=configured, variable="WORK_KEY"
    )
    assert isinstance(answer, Found)
    return answer.secret.reveal(), str(answer.source)


def test_each_place_is_asked_in_its_turn_and_named() -> None:
    full = MemoryStore({"openrouter": Secret("from-keychain")})
    kept = "entry m31a/openrouter in memory"
    written = "provider.openrouter.api_key in the configuration"

    assert [
        found(OURS | CHOSEN | USUAL, UnaskedStore(), "from-file"),
        found(CHOSEN | USUAL, UnaskedStore(), "from-file"),
        found(USUAL, UnaskedStore(), "from-file"),
        found({}, full, "from-file"),
        found({}, MemoryStore(), "from-file"),
        found({}, None, Secret("from-file")),
    ] == [
        ("from-ours", "environment variable M31A_OPENROUTER_API_KEY"),
        ("from-chosen", "environment variable WORK_KEY"),
        ("from-usual", "environment variable OPENROUTER_API_KEY"),
        ("from-keychain", kept),
        ("from-file", written),
        ("from-file", written),
    ]


def test_a_missing_key_lists_the_four_places_in_words() -> None:
    answer = resolve("openrouter", environ={}, store=MemoryStore(), configured=None)

    assert answer == Missing(
        (
            "environment variable M31A_OPENROUTER_API_KEY: not set",
            "environment variable OPENROUTER_API_KEY: not set",
            "entry m31a/openrouter in memory: not set",
            "provider.openrouter.api_key in the configuration: not set",
        )
    )


def test_blank_values_are_no_values() -> None:
    environ = {"M31A_ZEN_API_KEY": "", "ZEN_API_KEY": " \t\n"}

    answer = resolve("zen", environ=environ, store=None, configured="  ")

    assert isinstance(answer, Missing)


def test_a_failing_keychain_is_told_and_the_configuration_still_asked() -> None:
    answer = resolve("zen", environ={}, store=LockedStore(), configured="from-file")

    assert isinstance(answer, Found)
    assert answer.source.kind is SourceKind.CONFIGURATION
    assert answer.tried[2] == (
        "entry m31a/zen in Secret Service: Secret Service is locked or refused access; unlock it"
    )


@pytest.mark.parametrize(
    ("store", "reason"), [(None, "none is in use"), (NoStore("no bus"), "no bus")]
)
def test_without_a_keychain_the_reason_is_told(store: SecretStore | None, reason: str) -> None:
    answer = resolve("zen", environ={}, store=store)

    assert isinstance(answer, Missing)
    assert answer.tried[2] == f"entry m31a/zen in the keychain: {reason}"


def test_a_value_that_no_key_has_is_passed_over_told_and_not_shown() -> None:
    environ = {"M31A_ZEN_API_KEY": "pasted\u200bwrong", "ZEN_API_KEY": "right"}

    answer = resolve("zen", environ=environ, store=None)

    assert isinstance(answer, Found)
    assert answer.secret == Secret("right")
    assert answer.tried == (
        "environment variable M31A_ZEN_API_KEY: "
        "it has a line end, an invisible or a non-ASCII character in it",
    )


def test_names_follow_the_provider() -> None:
    assert service_of("my-server") == "m31a/my-server"
    assert variables_of("my-server") == ("M31A_MY_SERVER_API_KEY", "MY_SERVER_API_KEY")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a b", "-x", "é", "a\n", "x" * 65, "a=b"])
def test_a_name_that_means_something_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(BadProviderName):
        service_of(name)
    with pytest.raises(BadProviderName):
        resolve(name, environ={}, store=None)
    store = MemoryStore()
    with pytest.raises(BadProviderName):
        store.get(name)
    with pytest.raises(BadProviderName):
        store.set(name, Secret("sk-1"))
    with pytest.raises(BadProviderName):
        store.delete(name)
