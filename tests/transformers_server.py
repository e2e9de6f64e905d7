"""`transformers serve` on loopback: somebody else's server, with the bundled model or one that reads text alone."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from framedex.mllm.checkpoint import Checkpoint
from mllm_tokenizer import write_tokenizer

_START = "import sys; from transformers.cli.transformers import main; sys.argv[0] = 'transformers'; main()"
_PATIENCE_S = 240


@dataclass(frozen=True)
class TransformersServer:
    """Where it listens, and the folder that it serves, which is the model's name."""

    url: str
    folder: Path


def served_checkpoint(folder: Path) -> Path:
    """The bundled model's checkpoint with Idefics3's processor in place of SmolVLM's.

    SmolVLM's processor wants torchvision for its video half; for single images both write the same placeholders, and the image
    processor is SmolVLM's own.
    """
    copy = Path(shutil.copytree(Checkpoint.open("micro-smolvlm").folder, folder))
    rules = json.loads((copy / "processor_config.json").read_text())
    (copy / "processor_config.json").write_text(json.dumps({**rules, "processor_class": "Idefics3Processor"}))
    return copy


def text_checkpoint(folder: Path) -> Path:
    """A tiny Llama of seeded random weights, which knows no images."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir()
    size = write_tokenizer(folder, ("<|end|>",))
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    ends = {"bos_token_id": None, "eos_token_id": 0, "pad_token_id": 0}
    LlamaForCausalLM(LlamaConfig(**shape, vocab_size=size, max_position_embeddings=512, **ends)).save_pretrained(folder)
    template = "{% for message in messages %}{{ message.role }}: {{ message.content }}<|end|>{% endfor %}assistant:"
    rules = {"tokenizer_class": "TokenizersBackend", "eos_token": "<|end|>", "chat_template": template}
    (folder / "tokenizer_config.json").write_text(json.dumps(rules))
    return folder


@contextmanager
def transformers_server(checkpoint: Path, folder: Path) -> Iterator[TransformersServer]:
    """Serve a checkpoint in float32 on the CPU until left; `folder` is for what the server writes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "hub" / "hub").mkdir(parents=True)
    settings = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    log = (folder / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-c", _START, "serve", str(checkpoint), *settings],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "HF_HOME": str(folder / "hub"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", folder / "server.log")
        yield TransformersServer(url=f"http://127.0.0.1:{port}/v1", folder=checkpoint)
    finally:
        process.kill()
        process.wait()
        log.close()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        with suppress(OSError), urllib.request.urlopen(url, timeout=5) as response:
            if response.status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"no answer from {url} after {_PATIENCE_S} s:\n{log.read_text()}")
