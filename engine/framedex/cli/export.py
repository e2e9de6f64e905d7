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
    bolt = "bolt"


def export(
    store: options.StoreArgument,
    to: Annotated[
        Layout,
        typer.Option(
            "--to",
            help="npy: img_emb/*.npy and metadata/*.parquet; parquet: one table a shard; bolt: one <stem>.npy a video.",
        ),
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
    """Write all embeddings in the layout of clip-retrieval and embedding-reader, or of BOLT.

    Row i of the metadata describes row i of the embeddings: video_key, path, pts_us, time_s, encoder_key, grid.
    BOLT's files have no metadata: row i is of the frame at i / k seconds, and the grid has to be fps=k.

    \b
    Examples:
      framedex export S --to npy -o embeddings
      framedex export S --to parquet -o embeddings
      framedex export S --to bolt --grid fps=1 -o features
    """
    from framedex.index import Store
    from framedex.index.export import export_bolt, export_npy, export_parquet

    writers = {Layout.npy: export_npy, Layout.parquet: export_parquet, Layout.bolt: export_bolt}
    exported = writers[to](Store.open(store), output, encoder=encoder, grid=grid)
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
        what = "files" if to is Layout.bolt else "shards"
        note(
            f"{exported.n_frames} frames of {exported.n_videos} videos written to {output} in {exported.n_shards} {what}"
        )
