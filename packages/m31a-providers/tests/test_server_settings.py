import pytest

from m31a_providers import BadSetting, ModelInfo, UnknownProvider, connect
from m31a_providers import is_loopback as is_here
from m31a_providers.chat_client import shared_tls
from m31a_providers.secret import Scrubber, Secret
from m31a_providers.server import Server, server_for


def test_built_in_names_have_an_address() -> None:
    assert server_for("openrouter").base_url == "https://openrouter.ai/api/v1"
    assert server_for("zen").base_url == "https://opencode.ai/zen/v1"
    assert server_for("zen", base_url="http://localhost:1/v1").base_url == "http://localhost:1/v1"


def test_another_name_needs_an_address() -> None:
    with pytest.raises(UnknownProvider, match="give its address") as caught:
        connect("elsewhere")
    assert caught.value.known == ("openrouter", "zen", "anthropic")


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("http://localhost:8080/v1/", "http://localhost:8080/v1"),
        (" http://LOCALHOST/v1 ", "http://localhost/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("https://user:pa%40ss@host.example/v1", "https://host.example/v1"),
        ("https://host.example/v1/chat/completions", "https://host.example/v1"),
        ("https://host.example", "https://host.example"),
    ],
)
def test_addresses_are_brought_into_one_form(base_url: str, address: str) -> None:
    server = server_for("local", base_url=base_url)
    assert server.base_url == address
    assert server.source.address == f"{address}/chat/completions"


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "localhost:8080",
        "ftp://host/v1",
        "http://",
        "http://host:port/v1",
        "http://[::1/v1",
        "http://host/v1?key=planted",
        "http://host/v1#x",
        "http://u:planted@host:x/v1",
    ],
)
def test_an_address_that_is_none_is_refused_without_repeating_it(base_url: str) -> None:
    with pytest.raises(BadSetting, match="base_url") as caught:
        server_for("local", base_url=base_url)
    assert "planted" not in f"{caught.value!s}{caught.value.__context__!r}"


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost", True),
        ("models.localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("[::1]", True),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("192.168.0.7", False),
        ("host.example", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, is_loopback: bool) -> None:
    server = server_for("local", base_url=f"http://{host}:1/v1")
    assert (server.is_loopback, server.is_traced) == (is_loopback, is_loopback)
    assert is_here(f"http://{host}:1/v1") is is_loopback
    always = server_for("local", base_url=f"http://{host}:1/v1", trace_headers="always")
    assert always.is_traced


def test_what_is_no_address_is_not_on_this_machine() -> None:
    assert [is_here(text) for text in ("", "http://[::1/v1", "127.0.0.1:1")] == [False] * 3


def test_credentials_of_the_address_become_a_header_unless_there_is_a_key() -> None:
    server = server_for("local", base_url="http://me:word@host/v1")
    assert server.request_headers({})["Authorization"] == "Basic bWU6d29yZA=="
    server = server_for("local", base_url="http://me@host/v1", api_key=" key-1\n")
    assert server.request_headers({})["Authorization"] == "Bearer key-1"


def test_own_headers_win_and_labels_cannot_smuggle_any() -> None:
    server = server_for("local", base_url="http://localhost/v1", headers={"User-Agent": "mine"})
    headers = server.request_headers({"task": "a\r\nX-Evil: 1", "phase": "", "other": "x"})
    assert headers["User-Agent"] == "mine"
    assert headers["X-M31A-Task"] == "a%0D%0AX-Evil:%201"
    assert "X-M31A-Phase" not in headers


@pytest.mark.parametrize(
    ("api_key", "headers", "setting"),
    [
        ("sk-\u2603-planted", None, "api_key"),
        ("sk-a\nplanted", None, "api_key"),
        (None, {"X-Key": "planted\r\nX: y"}, "X-Key"),
        (None, {"bad name": "planted"}, "bad name"),
    ],
)
def test_what_no_header_can_carry_is_refused_without_repeating_it(
    api_key: str | None, headers: dict[str, str] | None, setting: str
) -> None:
    with pytest.raises(BadSetting, match=setting) as caught:
        server_for("local", base_url="http://localhost/v1", api_key=api_key, headers=headers)
    assert "planted" not in str(caught.value)


def test_a_key_shows_itself_nowhere() -> None:
    server = server_for("local", base_url="http://localhost/v1", api_key="sk-planted-1")
    assert "planted" not in repr(server)
    assert f"{Secret('planted')!r} {Secret('planted')}" == "Secret(••••) ••••"
    assert isinstance(server, Server)


def test_scrubbing_takes_the_longer_of_two_keys_first() -> None:
    scrubber = Scrubber.of(["secret-1", "secret-1-and-more", "abc", ""])
    assert scrubber.clean("abc secret-1-and-more secret-1") == "abc •••• ••••"


def test_configured_prices_replace_all_of_the_servers_own() -> None:
    listed = ModelInfo(id="m", price_in=9, price_out=9, price_cached=9, context_tokens=5)
    plain = server_for("local", base_url="http://localhost/v1")
    priced = server_for("local", base_url="http://localhost/v1", price_in=1.0, context=7)
    assert plain.with_settings(listed) == listed
    assert priced.with_settings(listed) == ModelInfo(id="m", price_in=1.0, context_tokens=7)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("ALL_PROXY", "garbage://127.0.0.1", "Unknown scheme for proxy URL"),
        ("HTTPS_PROXY", "http://[::1", "proxy"),
        ("SSL_CERT_FILE", "/nonexistent/certificates.pem", "No such file or directory"),
    ],
)
def test_an_environment_that_no_request_can_be_made_in_is_named(
    variable: str, value: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    shared_tls.cache_clear()

    with pytest.raises(BadSetting, match="The proxy or certificate") as caught:
        connect("far", base_url="https://model.example.invalid/v1")

    shared_tls.cache_clear()
    assert variable in str(caught.value)
    assert reason in str(caught.value)
