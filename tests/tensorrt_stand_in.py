"""NVIDIA's library where it is not: of the shape of stubs/tensorrt, it records what it is asked, and computes by ONNX Runtime.

An "engine" is the ONNX graph that the parser was given, with its profiles; a context reads and writes the addresses that it was
told, as a GPU would. `torch.cuda`'s streams and graphs are stood in for too, and tensors are on the CPU.
"""

from __future__ import annotations

import ctypes
import importlib
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto

from framedex import torch_device

# They bind the library when they are imported.
_OURS = ("framedex.embed.tensorrt", "framedex.embed.tensorrt_log", "framedex_export.tensorrt_build")


@dataclass
class Told:
    """What the library was asked, and what it shall do; free to be changed between calls.

    Attributes:
        gpu: whether there is one, of which the memory is the CPU's.
        version: its own.
        asked: every call that changes what is built: name, then arguments.
        refused: names of calls that give None or False.
        parser_errors: operator and words, of a graph that cannot be read.
        spoiled_batches: runs of these many rows give other vectors of length 1.
        profiles: number that engines say they have, where not None.
        tensors: changes to what engines say of a tensor, by its name: mode, type, shape.
        interrupted: the input that Ctrl-C comes at, by its number of dimensions.
        runs: rows of every run so far.
        capturing: what the CUDA graph in the making has captured.
    """

    gpu: bool
    version: str = "11.9.0"
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    parser_errors: list[tuple[int, str]] = field(default_factory=list)
    spoiled_batches: set[int] = field(default_factory=set)
    profiles: int | None = None
    tensors: dict[str, tuple[Any, Any, tuple[int, ...]]] = field(default_factory=dict)
    interrupted: int | None = None
    runs: list[int] = field(default_factory=list)
    capturing: list[Any] | None = None

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of that name, in order."""
        return [call[1:] for call in self.asked if call[0] == name]


@contextmanager
def installed(patch: pytest.MonkeyPatch, *, gpu: bool = True) -> Iterator[Told]:
    """The library is there inside, and our modules over it are imported anew; `gpu` also stands in for a device."""
    told = Told(gpu=gpu)
    before = {name: sys.modules.pop(name) for name in _OURS if name in sys.modules}
    with patch.context() as inside:
        inside.setitem(sys.modules, "tensorrt", _library(told))
        if gpu:
            _stand_in_for_cuda(inside, told)
        try:
            yield told
        finally:
            told.gpu = False
            for name in _OURS:
                sys.modules.pop(name, None)
                package, _, attribute = name.rpartition(".")
                vars(importlib.import_module(package)).pop(attribute, None)
            sys.modules.update(before)


def _library(told: Told) -> ModuleType:
    """The module: enumerations are the stub's, by execution of the file as Python."""
    stub = Path(__file__).parent.parent / "stubs" / "tensorrt" / "__init__.pyi"
    module = ModuleType("tensorrt")
    exec(compile(stub.read_text(), str(stub), "exec"), vars(module))
    for made in _classes(module, told):
        assert hasattr(module, made.__name__), "of the stub's shape"
        public = {name for name in vars(made) if not name.startswith("_")}
        assert public <= set(vars(getattr(module, made.__name__))) | set(getattr(made, "__annotations__", {})), made
        setattr(module, made.__name__, made)
    vars(module)["__version__"] = told.version
    return module


def _classes(trt: Any, told: Told) -> list[type]:
    types = {TensorProto.UINT8: trt.DataType.UINT8, TensorProto.INT64: trt.DataType.INT64}
    types[TensorProto.FLOAT] = trt.DataType.FLOAT

    class ILogger(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            pass

    class INetworkDefinition:
        _model: bytes = b""

    class IOptimizationProfile:
        _shapes: tuple[str, Any, Any, Any]

        def set_shape(self, name: str, least: Any, best: Any, most: Any) -> None:
            self._shapes = (name, tuple(least), tuple(best), tuple(most))
            told.asked.append(("set_shape", *self._shapes))

    class ITimingCache:
        def __init__(self, data: bytes) -> None:
            self._data = data

        def serialize(self) -> bytes:
            return self._data + b"timed;"

    class IBuilderConfig:
        def __init__(self) -> None:
            self._profiles: list[Any] = []
            self._cache: ITimingCache | None = None

        def __setattr__(self, name: str, value: Any) -> None:
            if not name.startswith("_"):
                told.asked.append((name, value))
            super().__setattr__(name, value)

        def clear_flag(self, flag: Any) -> None:
            told.asked.append(("clear_flag", flag))

        def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
            told.asked.append(("set_memory_pool_limit", pool, pool_size))

        def add_optimization_profile(self, profile: Any) -> int:
            if "add_optimization_profile" in told.refused:
                return -1
            self._profiles.append(profile._shapes)
            return len(self._profiles) - 1

        def create_timing_cache(self, serialized_timing_cache: bytes) -> ITimingCache | None:
            told.asked.append(("create_timing_cache", serialized_timing_cache))
            return None if "create_timing_cache" in told.refused else ITimingCache(serialized_timing_cache)

        def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
            told.asked.append(("set_timing_cache", ignore_mismatch))
            self._cache = cache
            return True

        def get_timing_cache(self) -> ITimingCache | None:
            return self._cache

    class Builder:
        def __init__(self, logger: Any) -> None:
            self._logger = logger

        def create_network(self, flags: int = 0) -> INetworkDefinition:
            told.asked.append(("create_network", flags))
            return INetworkDefinition()

        def create_builder_config(self) -> IBuilderConfig:
            return IBuilderConfig()

        def create_optimization_profile(self) -> IOptimizationProfile:
            return IOptimizationProfile()

        def build_serialized_network(self, network: Any, config: Any) -> bytes | None:
            if told.interrupted == len(config._profiles[0][1]):
                raise KeyboardInterrupt
            if "build_serialized_network" in told.refused:
                self._logger.log(trt.ILogger.Severity.ERROR, "no tactic fits\n")
                self._logger.log(trt.ILogger.Severity.INFO, "chatter")
                return None
            return pickle.dumps((network._model, config._profiles))

    class ParserError:
        def __init__(self, node: int, desc: str) -> None:
            self._node, self._desc = node, desc

        def node(self) -> int:
            return self._node

        def desc(self) -> str:
            return self._desc

    class OnnxParser:
        def __init__(self, network: INetworkDefinition, logger: Any) -> None:
            self._network = network

        def parse_from_file(self, model: str) -> bool:
            self._network._model = onnx.load(model).SerializeToString()
            return not told.parser_errors

        @property
        def num_errors(self) -> int:
            return len(told.parser_errors)

        def get_error(self, index: int) -> ParserError:
            return ParserError(*told.parser_errors[index])

    class IExecutionContext:
        def __init__(self, engine: Any) -> None:
            self._engine, self._shape, self._addresses = engine, (), {}
            self._profile: tuple[Any, ...] = ()

        def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
            self._profile = self._engine._profiles[profile_index]
            return "set_optimization_profile_async" not in told.refused

        def set_input_shape(self, name: str, shape: Any) -> bool:
            self._shape = tuple(shape)
            return "set_input_shape" not in told.refused and (name, self._shape) == self._profile[:2]

        def set_tensor_address(self, name: str, memory: int) -> bool:
            self._addresses[name] = memory
            return "set_tensor_address" not in told.refused

        def execute_async_v3(self, stream_handle: int) -> bool:
            if told.capturing is not None:
                told.capturing.append(self)
            else:
                self._run()
            return "execute_async_v3" not in told.refused

        def _run(self) -> None:
            given, made = self._engine._session.get_inputs()[0], self._engine._session.get_outputs()[0]
            dtype = np.uint8 if given.type == "tensor(uint8)" else np.int64
            values = _at(self._addresses[given.name], self._shape, dtype)
            vectors = self._engine._session.run(None, {given.name: values})[0]
            if len(values) in told.spoiled_batches:
                vectors = np.roll(vectors, 1, axis=1)
            told.runs.append(len(values))
            _at(self._addresses[made.name], vectors.shape, np.float32)[:] = vectors

    class ICudaEngine:
        def __init__(self, data: bytes) -> None:
            self._model, self._profiles = pickle.loads(data)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(self._model, options, providers=["CPUExecutionProvider"])
            graph = onnx.load_from_string(self._model).graph
            self._tensors = {
                value.name: (mode, types[value.type.tensor_type.elem_type], _shape(value))
                for mode, values in ((trt.TensorIOMode.INPUT, graph.input), (trt.TensorIOMode.OUTPUT, graph.output))
                for value in values
            } | told.tensors

        @property
        def num_io_tensors(self) -> int:
            return len(self._tensors)

        @property
        def num_optimization_profiles(self) -> int:
            return len(self._profiles) if told.profiles is None else told.profiles

        def get_tensor_name(self, index: int) -> str:
            return list(self._tensors)[index]

        def get_tensor_mode(self, name: str) -> Any:
            return self._tensors[name][0]

        def get_tensor_dtype(self, name: str) -> Any:
            return self._tensors[name][1]

        def get_tensor_shape(self, name: str) -> Any:
            return self._tensors[name][2]

        def create_execution_context(self) -> IExecutionContext | None:
            return None if "create_execution_context" in told.refused else IExecutionContext(self)

    class Runtime:
        def __init__(self, logger: Any) -> None:
            self._logger = logger

        def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
            if "deserialize_cuda_engine" in told.refused:
                self._logger.log(trt.ILogger.Severity.ERROR, "serialised by another version")
                return None
            return ICudaEngine(serialized_engine)

    network = [INetworkDefinition, IOptimizationProfile, ITimingCache, IBuilderConfig, Builder, ParserError, OnnxParser]
    return [ILogger, *network, IExecutionContext, ICudaEngine, Runtime]


def _shape(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    dimensions = value.type.tensor_type.shape.dim
    return tuple(each.dim_value if each.HasField("dim_value") else -1 for each in dimensions)


def _at(address: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """The array at an address, as a device sees it."""
    nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer((ctypes.c_char * nbytes).from_address(address), dtype).reshape(shape)


def _stand_in_for_cuda(patch: pytest.MonkeyPatch, told: Told) -> None:
    class Stream:
        cuda_stream = 7

        def __init__(self, device: torch.device) -> None:
            assert device.type == "cpu"

        def synchronize(self) -> None:
            pass

    class CUDAGraph:
        def __init__(self) -> None:
            self.captured: list[Any] = []

        def replay(self) -> None:
            if "replay" in told.refused:
                raise RuntimeError("CUDA error: an illegal memory access was encountered")
            for context in self.captured:
                context._run()

    @contextmanager
    def stream(_stream: Stream) -> Iterator[None]:
        yield

    @contextmanager
    def graph(made: CUDAGraph, *, stream: Stream) -> Iterator[None]:
        if "capture" in told.refused:
            raise RuntimeError("CUDA out of memory")
        told.capturing = made.captured
        yield
        told.capturing = None

    real = torch_device.require_device

    def require_device(name: torch_device.DeviceName, *, needed_by: str) -> torch.device:
        # A module that is first imported inside keeps this function: behind the end it asks the real one.
        return torch.device("cpu") if told.gpu else real(name, needed_by=needed_by)

    patch.setattr(torch_device, "require_device", require_device)
    patch.setattr(torch.cuda, "get_device_capability", lambda _device: (9, 0))
    patch.setattr(torch.cuda, "get_device_name", lambda _device: "NVIDIA H100 80GB HBM3")
    patch.setattr(torch.cuda, "current_stream", lambda: Stream(torch.device("cpu")))
    for name, made in {"Stream": Stream, "CUDAGraph": CUDAGraph, "stream": stream, "graph": graph}.items():
        patch.setattr(torch.cuda, name, made)
