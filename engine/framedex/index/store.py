"""A store: a folder of immutable files that holds one index per (video, encoder, grid) (docs/format.md)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from framedex.contracts import EmbeddingBlock, Timing
from framedex.errors import StorageError, StoreError, UsageError, did_you_mean
from framedex.index.catalogue import Catalogue
from framedex.index.encoder_entry import EncoderEntry
from framedex.index.faiss_file import Dtype, index_bytes
from framedex.index.place import Place
from framedex.index.quarantine import Quarantine
from framedex.index.row import DecodeCounts, Row, Source, VideoFacts
from framedex.index.strict_json import Fields, json_bytes, parse_json
from framedex.index.video_index import VideoIndex
from framedex.index.video_names import VideoNames
from framedex.index.whole_file import (
    FileIdentity,
    StagedFile,
    delete,
    make_folder,
    read_whole,
    storage_error,
    write_whole,
)
from framedex.keys import is_key

STORE_VERSION: Final = 1

_FORMAT: Final = "framedex-store"
_WRITE_ATTEMPTS: Final = 10


class Store:
    """An opened store. Reading never writes; any number of processes may write.

    Attributes:
        path: the folder.
        quarantine: inputs that could not be indexed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.quarantine = Quarantine(path / "quarantine")
        self._catalogue = Catalogue(path)

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False) -> Store:
        """Open the store at `path`.

        Args:
            path: the folder.
            create: make it where nothing or an empty folder is.

        Raises:
            UsageError: no store there.
            StoreError: a store of another version, or a damaged `store.json`.
            StorageError: the file system refused.
        """
        root = Path(path)
        if root.exists() and not root.is_dir():
            raise UsageError(f"{root}: not a store but a file; name a folder that `framedex index` made")
        marker = root / "store.json"
        try:
            data = read_whole(marker)
        except FileNotFoundError:
            if not create:
                raise _no_store(root) from None
            _create(root, marker)
            data = read_whole(marker)
        fields = Fields(str(marker), parse_json(str(marker), data), ("format", "version"))
        if fields.text("format") != _FORMAT:
            raise StoreError(
                f"{marker}: expected format {_FORMAT!r}, got {fields.text('format')!r}; this is no framedex store"
            )
        fields.version(STORE_VERSION)
        return cls(root)

    def encoders(self) -> list[EncoderEntry]:
        """The encoders whose vectors the store holds, by name and key.

        Raises:
            StoreError: an encoder file breaks docs/format.md.
        """
        keys = [path.stem for path in (self.path / "encoders").glob("*.json") if is_key(path.stem)]
        return sorted((self.encoder(key) for key in keys), key=lambda entry: (entry.name, entry.key))

    def encoder(self, key: str) -> EncoderEntry:
        """The encoder with that key.

        Raises:
            StoreError: its file is missing or breaks docs/format.md.
        """
        path = self._encoder_path(key)
        try:
            data = read_whole(path)
        except FileNotFoundError as error:
            raise StoreError(f"{path}: missing; index one video with that encoder again to restore it") from error
        entry = EncoderEntry.from_json(str(path), data)
        if entry.key != key:
            raise StoreError(f"{path}: the encoder is {entry.key}; a file was moved or renamed")
        return entry

    def grids(self, encoder: str | None = None) -> list[str]:
        """Names of the grids of one encoder (key or name), or of all, sorted."""
        return sorted({grid for key in self._encoder_keys(encoder) for grid in self._catalogue.grids(key)})

    def only_grid(self, grid: str | None, *, encoder: str) -> str:
        """The grid to read over all videos of an encoder (key or name): `grid` itself, or the only one that there is.

        Raises:
            UsageError: no such grid, none at all, or several and none named; the message lists what there is.
        """
        held = self.grids(encoder)
        if grid is not None and grid not in held:
            raise UsageError(f"{self.path}: no grid {grid!r}; {did_you_mean(grid, held)}")
        if grid is None and len(held) != 1:
            what = (
                f"several grids, {', '.join(held)}; choose one with --grid" if held else "no video of this encoder yet"
            )
            raise UsageError(f"{self.path}: holds {what}")
        return held[0] if grid is None else grid

    def keys(self, encoder: str, grid: str) -> set[str]:
        """Keys of the videos that are indexed with one encoder (key or name) and grid; no row is read."""
        return {video for key in self._encoder_keys(encoder) for video in self._catalogue.video_keys(key, grid)}

    def videos(self, encoder: str | None = None, grid: str | None = None) -> list[Row]:
        """All rows, of one encoder (key or name) and one grid where they are given, sorted by path, key, encoder and grid.

        Raises:
            UsageError: unknown or ambiguous encoder.
            StoreError: a row breaks docs/format.md.
        """
        rows = [
            row
            for key in self._encoder_keys(encoder)
            for name in self._catalogue.grids(key)
            if grid in (None, name)
            for row in self._catalogue.rows(key, name)
        ]
        return sorted(rows, key=lambda row: (row.source.path, row.video_key, row.encoder_key, row.grid))

    def row(self, video_key: str, *, encoder_key: str, grid: str) -> Row | None:
        """The row of one (video, encoder, grid), or None; nothing else is read.

        Raises:
            StoreError: the row breaks docs/format.md.
        """
        return self._catalogue.row(Place(encoder_key=encoder_key, grid=grid, video_key=video_key))

    def __getitem__(self, video: str | Path) -> VideoIndex:
        """The index of a video: by key, path, end of path or stem; `view` says more."""
        return self.view(video)

    def view(
        self, video: str | Path, *, encoder: str | None = None, grid: str | None = None, threads: int = 1
    ) -> VideoIndex:
        """Open the index of one video.

        Args:
            video: key, path, end of a path ("clips/dive.mp4") or stem ("dive").
            encoder: key or name; needed only where the video has several.
            grid: name; needed only where the video has several.
            threads: most threads that the index uses.

        Raises:
            UsageError: unknown or ambiguous video, encoder or grid; the message lists what there is.
            StoreError: a file breaks docs/format.md.
        """
        name = str(video)
        rows = self._rows_of_key(name, encoder) if is_key(name) else self.videos(encoder=encoder)
        row = VideoNames(rows, subject=str(self.path)).only(name, grid=grid)
        return self.open_row(row, threads=threads)

    def names(self, *, encoder: str) -> VideoNames:
        """The names of all videos of one encoder (key or name), for many look-ups: the rows are read once.

        Raises:
            UsageError: unknown or ambiguous encoder.
            StoreError: a row breaks docs/format.md.
        """
        return VideoNames(self.videos(encoder=encoder), subject=str(self.path))

    def is_there(self, row: Row) -> bool:
        """Whether a row's index file is there at its size; its content is `verify`'s to prove."""
        try:
            return row.place.index_path(self.path).stat().st_size == row.nbytes
        except OSError:
            return False

    def open_row(self, row: Row, *, threads: int = 1) -> VideoIndex:
        """Open the index that a row of this store describes.

        Raises:
            StoreError: the index file is missing or differs from the row.
        """
        return VideoIndex(row.place.index_path(self.path), row, threads=threads)

    def add_encoder(self, entry: EncoderEntry) -> None:
        """Record an encoder; nothing happens where its key is there already.

        Raises:
            StorageError: the file system refused.
        """
        path = self._encoder_path(entry.key)
        if path.exists():
            return
        make_folder(path.parent)
        write_whole(path, entry.to_json())

    def put(
        self,
        block: EmbeddingBlock,
        *,
        video_key: str,
        encoder_key: str,
        grid: str,
        dtype: Dtype,
        source: Source,
        first_pts_us: int,
        last_pts_us: int,
        timing: Timing,
        video: VideoFacts,
        decode: DecodeCounts,
        reused_frames: int,
        provenance: dict[str, str],
    ) -> Row:
        """Write the index of one video, then its row; what was there is replaced. The arguments are those of `Row`.

        Raises:
            UsageError: the encoder was not added, or its dimension is another.
            ValueError: the block is empty or not within the video's time range, or the arguments make no valid row.
            StorageError: the file system refused; the store is as before, or the video has lost its row and is indexed again.
        """
        self._check_encoder(encoder_key, block)
        if len(block) == 0 or block.pts_us[0] < first_pts_us or block.pts_us[-1] > last_pts_us:
            taken = f"frames from {block.pts_us[0]} to {block.pts_us[-1]} µs" if len(block) else "no frame"
            raise ValueError(f"{source.path}: expected frames within {first_pts_us} to {last_pts_us} µs, got {taken}")
        data = index_bytes(block.pts_us, block.vectors, dtype)
        row = Row(
            video_key=video_key,
            encoder_key=encoder_key,
            grid=grid,
            dtype=dtype,
            source=source,
            checksum=hashlib.sha256(data).hexdigest(),
            nbytes=len(data),
            count=len(block),
            dim=block.vectors.shape[1],
            first_pts_us=first_pts_us,
            last_pts_us=last_pts_us,
            timing=timing,
            video=video,
            decode=decode,
            reused_frames=reused_frames,
            provenance=provenance,
        )
        self._write(row, data)
        return row

    def _write(self, row: Row, data: memoryview) -> None:
        index_path, row_path = row.place.index_path(self.path), row.place.row_path(self.path)
        make_folder(index_path.parent)
        for _ in range(_WRITE_ATTEMPTS):
            with StagedFile(index_path, data) as index_file, StagedFile(row_path, row.to_json()) as row_file:
                if self._says_otherwise(row):  # a row must never stand beside the index file of another
                    delete(row_path)
                index_file.publish()
                row_file.publish()
            if _still_there(index_path, index_file.identity, row.checksum):
                return
        raise StorageError(
            f"{index_path}: another process keeps replacing it with other bytes; let one of them finish, then run again"
        )

    def _says_otherwise(self, row: Row) -> bool:
        """Whether the row's place holds a row of other bytes, or a damaged one."""
        try:
            there = self._catalogue.row(row.place)
        except StoreError:
            return True
        return there is not None and there.checksum != row.checksum

    def _check_encoder(self, encoder_key: str, block: EmbeddingBlock) -> None:
        if not self._encoder_path(encoder_key).exists():
            raise UsageError(f"{self.path}: encoder {encoder_key} is not in the store; add_encoder comes before put")
        dim = self.encoder(encoder_key).dim
        if block.vectors.shape[1] != dim:
            raise UsageError(
                f"{self.path}: encoder {encoder_key} has d={dim}, the vectors have d={block.vectors.shape[1]}"
            )

    def _encoder_path(self, key: str) -> Path:
        return self.path / "encoders" / f"{key}.json"

    def _encoder_keys(self, encoder: str | None) -> list[str]:
        """The keys of the encoders meant: all, or the one with that key or name."""
        if encoder is None:
            return self._catalogue.encoder_keys()
        if is_key(encoder) and self._encoder_path(encoder).exists():
            return [encoder]
        entries = self.encoders()
        keys = [entry.key for entry in entries if entry.name == encoder]
        if len(keys) > 1:
            raise UsageError(
                f"{self.path}: {len(keys)} encoders are named {encoder!r}: {', '.join(keys)}; give the key"
            )
        if not keys:
            known = did_you_mean(encoder, {entry.name for entry in entries})
            raise UsageError(f"{self.path}: no encoder {encoder!r}; {known}")
        return keys

    def _rows_of_key(self, video_key: str, encoder: str | None) -> list[Row]:
        places = [
            Place(encoder_key=key, grid=grid, video_key=video_key)
            for key in self._encoder_keys(encoder)
            for grid in self._catalogue.grids(key)
        ]
        return [row for place in places if (row := self._catalogue.row(place)) is not None]


def _still_there(path: Path, written: FileIdentity, checksum: str) -> bool:
    """Whether `path` is the file that was written, or one with the same bytes."""
    try:
        if FileIdentity.of(path.stat()) == written:
            return True
        return hashlib.sha256(read_whole(path)).hexdigest() == checksum
    except OSError as error:
        raise storage_error("read", path, error) from error


def _no_store(root: Path) -> UsageError:
    if not root.exists():
        return UsageError(
            f"{root}: no store there; make one with: framedex index VIDEOS --store {root} --encoder ARTEFACT"
        )
    return UsageError(f"{root}: not a store, it has no store.json; name a folder that `framedex index` made")


def _create(root: Path, marker: Path) -> None:
    make_folder(root)
    if any(not entry.name.startswith(".") for entry in root.iterdir()) and not marker.exists():
        raise UsageError(f"{root}: the folder is not empty and not a store; name a new or empty folder")
    write_whole(marker, json_bytes({"format": _FORMAT, "version": STORE_VERSION}))
