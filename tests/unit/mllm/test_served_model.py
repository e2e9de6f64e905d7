"""What a served model may be asked with, as a sweep.yaml names it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from framedex.errors import UsageError
from framedex.mllm.served_model import ServedModel


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"url": "localhost:8000"}, "expected a URL such as"),
        ({"url": "ftp://host/v1"}, "expected a URL such as"),
        ({"url": "http://me:4711@host/v1"}, "without a user, key or query; put the key into the environment variable"),
        ({"url": "http://host/v1?key=4711"}, "without a user, key or query"),
        ({"url": "http://[::1/v1"}, "expected a URL such as"),
        ({"url": "http://localhost:abc/v1"}, "expected a URL such as"),
        ({"url": "http://127.0.0.1:99999/v1"}, "expected a URL such as"),
        ({"url": "http://:8000/v1"}, "expected a URL such as"),
        ({"url": "http://host/\x01v1"}, r"server 'http://host/\\x01v1': expected a URL such as"),
        ({"url": "http://host/v1\n"}, "expected a URL such as"),
        ({"url": "http://my host/v1"}, "expected a URL such as"),
        ({"url": "ftp://me:4711@host/v1"}, "without a user, key or query"),
        ({"url": "http://host/v1#4711"}, "without a user, key or query"),
        ({"timeout_s": 0}, "expected timeout_s above 0 and patience_s of 0 or more, .* got 0 and 300"),
        ({"timeout_s": -5}, "expected timeout_s above 0"),
        ({"timeout_s": math.nan}, "expected timeout_s above 0"),
        ({"timeout_s": 1e10}, "in seconds up to 1000000, got 1e"),
        ({"patience_s": -1}, "expected timeout_s above 0 and patience_s of 0 or more"),
        ({"patience_s": math.inf}, "in seconds up to 1000000"),
        ({"model": " "}, "expected the name of a model"),
        ({"image": "gif"}, "expected image png or jpeg, got 'gif'"),
        ({"quality": 101}, "a quality of 1 to 100"),
        ({"concurrency": 0}, "expected concurrency"),
        ({"longest_edge": 0}, "expected concurrency, max_tokens and longest_edge of 1 or more"),
    ],
)
def test_what_no_server_can_be_asked_with_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as raised:
        ServedModel(**{"url": "http://host/v1", "model": "m", **settings})
    assert "4711" not in str(raised.value)
