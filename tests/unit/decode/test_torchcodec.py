from __future__ import annotations

import sys
from pathlib import Path

import pytest

from framedex.errors import MissingDependency
from framedex.optional import import_optional


@pytest.fixture
def nothing_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchcodec"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "framedex.decode.torchcodec", raising=False)


@pytest.mark.usefixtures("nothing_imported")
@pytest.mark.parametrize("raised", ["RuntimeError('no libavutil.so.57')", "OSError('libnvrtc.so.13')"])
def test_libraries_that_do_not_load_are_a_missing_dependency(
    raised: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torchcodec").mkdir()
    (tmp_path / "torchcodec" / "__init__.py").write_text(f"raise {raised}\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingDependency, match="its libraries do not load: it needs FFmpeg's shared libraries"):
        import_optional("framedex.decode.torchcodec", extra="torchcodec", needed_by="decoder 'torchcodec'")
