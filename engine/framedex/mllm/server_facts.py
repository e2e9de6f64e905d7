"""What a server says of itself and of a model: what is known of served weights.

Source: `GET /v1/models` (OpenAI API reference), where vLLM and SGLang add `root` and `max_model_len`; vLLM's `GET /version`;
SGLang's native `GET /server_info`, formerly `/get_server_info`, and `POST /tokenize` of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from framedex.errors import DeviceError, UsageError, did_you_mean
from framedex.keys import Json
from framedex.mllm.prompt import letter_spellings
from framedex.mllm.served_model import ServedModel
from framedex.mllm.server_client import Refused, ServerClient

VLLM, SGLANG = "vllm", "sglang"

_OF_MODEL = ("root", "parent", "max_model_len")
_OF_SGLANG = ("version", "model_path", "weight_version", "revision", "dtype", "quantization", "kv_cache_dtype")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What a server said.

    Attributes:
        kind: "vllm", "sglang", or another owner of the model; "" where it said nothing.
        version: of the server; "" where it said nothing.
        said: all of it that is the same wherever and whenever that model is served so, for a key.
    """

    kind: str
    version: str
    said: Mapping[str, Json]


def read_facts(client: ServerClient, served: ServedModel) -> ServerFacts:
    """Ask a server about a model.

    Raises:
        UsageError: it does not serve that model, or asks for a key.
        DeviceError: it is away, or answers nonsense.
    """
    listed = _models(client, served)
    kinds = {str(each.get("owned_by", "")) for each in listed.values()}
    # Others list what they could load; SGLang would answer by whatever name it is asked.
    if served.model not in listed and kinds & {VLLM, SGLANG}:
        raise UsageError(
            f"server {served.base}: serves no model {served.model!r}; {did_you_mean(served.model, listed)}"
        )
    entry = listed.get(served.model, {})
    kind = str(entry.get("owned_by", ""))
    said: dict[str, Json] = {name: entry[name] for name in _OF_MODEL if isinstance(entry.get(name), str | int)}
    if kind == VLLM:
        said |= _taken(client.get(f"{served.root}/version"), ("version",))
    if kind == SGLANG:
        info = client.get(f"{served.root}/server_info") or client.get(f"{served.root}/get_server_info")
        said |= _taken(info, _OF_SGLANG)
    return ServerFacts(kind=kind, version=str(said.get("version", "")), said={**said, **({"by": kind} if kind else {})})


def letter_ids(client: ServerClient, served: ServedModel, letters: str) -> dict[str, list[int]] | None:
    """Letter → ids of its spellings that are one token; None where the server does not tell, or has no token for one.

    Raises:
        DeviceError: the server is away, or answers nonsense.
    """
    found: dict[str, list[int]] = {}
    for letter in letters:
        ids = set()
        for spelling in letter_spellings(letter):
            body = {"model": served.model, "prompt": spelling, "add_special_tokens": False}
            try:
                value = client.post(f"{served.root}/tokenize", body)
            except Refused:
                return None
            tokens = value.get("tokens") if isinstance(value, dict) else None
            if isinstance(tokens, list) and len(tokens) == 1 and isinstance(tokens[0], int):
                ids.add(tokens[0])
        if not ids:
            return None
        found[letter] = sorted(ids)
    return found


def _models(client: ServerClient, served: ServedModel) -> dict[str, dict[str, Any]]:
    value = client.get(f"{served.base}/models")
    entries = {"data": []} if value is None else value
    try:
        return {str(each["id"]): dict(each) for each in entries["data"]}
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceError(
            f"server {served.base}: expected a list of models at /models, got {str(value)[:80]!r}; correct the URL, "
            "which ends in /v1"
        ) from error


def _taken(value: Any, names: tuple[str, ...]) -> dict[str, Json]:
    if not isinstance(value, dict):
        return {}
    return {name: value[name] for name in names if isinstance(value.get(name), str | int)}
