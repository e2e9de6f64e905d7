"""`framedex export`: a store's embeddings for other tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from framedex.cli import options
from framedex.cli.output import note, print_json


class Layout(StrEnum):
    """What is written."""

    npy = "npy"
    parquet = "parquet"


def export(
    store: options.StoreArgument,
    to: Annotated[
        Layout, typer.Option("--to", help="npy: img_emb/*.npy and metadata/*.parquet; parquet: one table a shard.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            parser=options.a_path,
            metavar="FOLDER",
            help="A new or empty folder, or an earlier export, which is replaced.",
        ),
    ],
    encoder: Annotated[
        str | None, typer.Option("--encoder-key", metavar="KEY", help="Needed only where the store holds several.")
    ] = None,
    grid: options.GridOption = None,
    json: options.JsonOption = False,
) -> None:
    """Write all embeddings in the layout of clip-retrieval and embedding-reader.

    Row i of the metadata describes row i of the embeddings: video_key, path, pts_us, time_s, encoder_key, grid.

    \b
    Examples:
      framedex export S --to npy -o embeddings
      framedex export S --to parquet -o embeddings
    """
    from framedex.index import Store
    from framedex.index.export import export_npy, export_parquet

    write = export_npy if to is Layout.npy else export_parquet
    exported = write(Store.open(store), output, encoder=encoder, grid=grid)
    if json:
        print_json(
            {
                "output": str(output),
                "videos": exported.n_videos,
                "frames": exported.n_frames,
                "shards": exported.n_shards,
            }
        )
    else:
        note(
            f"{exported.n_frames} frames of {exported.n_videos} videos written to {output} in {exported.n_shards} shards"
        )
