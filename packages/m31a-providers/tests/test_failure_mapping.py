import pytest

from m31a_providers import (
    OutOfCredit,
    ProviderError,
    RateLimited,
    RequestRejected,
    Stalled,
    Unauthorized,
    Unavailable,
    WindowExceeded,
)
from m31a_providers.errors import NotRecorded
from m31a_providers.failures import Source
from m31a_providers.secret import Scrubber

SOURCE = Source("test", "http://test/v1/chat/completions", Scrubber.of(["sk-secret-1"]))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error": {"message": "no"}}', "no"),
        (b'{"error": "no"}', "no"),
        (b'{"message": "no"}', "no"),
        (b'{"detail": "no"}', "no"),
        (b'{"detail": [{"msg": "no"}]}', '[{"msg":"no"}]'),
        (b'[{"error": {"message": "no", "status": "X"}}]', "no"),
        (b'"no"', "no"),
        (b"null", ""),
        (b"", ""),
        (b"no\r\n\tway", "no way"),
        (b"<html><head><title>x</title></head><body>no <b>way</b></body></html>", "no way"),
        (b"key sk-secret-1 is bad", "key •••• is bad"),
        (b"\x1b[31mred\x1b[0m \xe2\x80\xae", "[31mred [0m"),
        (b"\xff\xfe", "��"),
        (b"x" * 1000, "x" * 299 + "…"),
        (
            b'{"error": {"message": "Provider returned error", "metadata": {"raw": "deep"}}}',
            "Provider returned error (deep)",
        ),
    ],
)
def test_the_reason_is_found_in_every_shape_of_body(body: bytes, reason: str) -> None:
    error = SOURCE.refused(418, {}, body)
    assert isinstance(error, RequestRejected)
    assert error.reason == reason


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (400, "This model's maximum context length is 8192 tokens", WindowExceeded),
        (400, "the request exceeds the available context size", WindowExceeded),
        (400, "prompt is too long: 210000 tokens", WindowExceeded),
        (500, "input too large for the context window", WindowExceeded),
        (400, "temperature must be below 2", RequestRejected),
        (429, "You exceeded your current quota, check your billing details", RateLimited),
        (429, "insufficient_quota", OutOfCredit),
        (401, "insufficient credits", OutOfCredit),
        (403, "not for your region", Unauthorized),
        (422, "unprocessable", RequestRejected),
        (425, "too early", Unavailable),
        (599, "", Unavailable),
    ],
)
def test_the_words_decide_where_the_status_does_not(
    status: int, said: str, expected: type[ProviderError]
) -> None:
    assert type(SOURCE.refused(status, {}, said.encode())) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": "429"}, RateLimited),
        ({"status_code": 402}, OutOfCredit),
        ({"type": "rate_limit_error"}, RateLimited),
        ({"type": "server_error"}, Unavailable),
        ({"type": "permission_error"}, Unauthorized),
        ({"type": "not_found_error"}, RequestRejected),
        ({"type": "invalid_request_error"}, RequestRejected),
        ({"code": "context_length_exceeded", "message": "maximum context"}, WindowExceeded),
        ({"code": 7}, Unavailable),
        ({"code": [1]}, Unavailable),
        ("anything", Unavailable),
        (["odd"], Unavailable),
    ],
)
def test_an_error_inside_a_stream_is_told_by_its_code_or_word(
    error: object, expected: type[ProviderError]
) -> None:
    assert type(SOURCE.reported(error)) is expected


def test_every_error_is_one_sentence_with_address_and_remedy() -> None:
    errors: list[ProviderError] = [
        SOURCE.refused(status, {"retry-after": "3"}, b'{"error": "why"}')
        for status in (302, 400, 401, 402, 413, 429, 503)
    ]
    errors += [
        SOURCE.unreachable("connection refused"),
        SOURCE.broken("reset"),
        SOURCE.stalled("silence_s", 5),
        SOURCE.malformed("no JSON"),
    ]
    for error in errors:
        assert str(error).startswith("test at http://test/v1/chat/completions ")
        assert str(error).endswith(".")
        assert ": " in str(error)
    assert "try again in 3 s" in str(errors[5])
    assert str(ProviderError(provider="p")) == "p failed."
    stalled = errors[-2]
    assert isinstance(stalled, Stalled)
    assert "silence_s = 5" in str(stalled)
    assert "turn=1" in str(NotRecorded(provider="p", asked="turn=1"))
