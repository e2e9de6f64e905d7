"""`transformers serve` on loopback with the bundled model: somebody else's server, on real weights."""

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


@contextmanager
def transformers_server(folder: Path) -> Iterator[TransformersServer]:
    """Serve the bundled model in float32 on the CPU, from a copy in `folder`, until left."""
    checkpoint = served_checkpoint(folder / "micro")
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
