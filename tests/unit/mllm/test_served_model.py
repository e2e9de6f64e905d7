"""What a served model may be asked with, as a sweep.yaml names it."""

from __future__ import annotations

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
