"""`framedex search`: best frames for a text."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from framedex.cli import options
from framedex.cli.output import clock, note, print_json, print_table


def search(
    store: options.StoreArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for; quote it.", show_default=False)],
    video: Annotated[
        str | None,
        typer.Option(metavar="V", help="One video: its key, its path or its unique stem. [default: the whole store]"),
    ] = None,
    k: Annotated[int, typer.Option("-k", "--top", metavar="K", help="Frames to show.")] = 8,
    encoder: options.StoreEncoderOption = None,
    grid: options.GridOption = None,
    json: options.JsonOption = False,
) -> None:
    """Find the frames that match TEXT best, over the whole store or one video, with times and scores.

    Times count from a video's first frame. A score is the cosine of text and frame.

    \b
    Examples:
      framedex search S "a dog jumps"
      framedex search S "a dog jumps" --video park.mp4 -k 3
      framedex search S "a dog jumps" --json
    """
    from framedex.cli.encoders import embedder_for
    from framedex.embed.prompt_cache import PromptCache
    from framedex.embed.prompt_vectors import PromptVectors
    from framedex.index import Store
    from framedex.index.search import search as best_frames

    opened = Store.open(store)
    with embedder_for(opened, encoder) as embedder:
        key = embedder.manifest.encoder_key
        vectors = PromptVectors(embedder, PromptCache(opened.path))
        prompt = vectors.of([text])[0]
        truncated = embedder.truncated_texts([text])
    if vectors.trouble:
        note(f"note: {vectors.trouble}")
    if truncated:
        note(
            f"note: the text is longer than the encoder's {embedder.manifest.text.max_length} tokens; its end was not read"
        )
    if video is None:
        rows = opened.videos(encoder=key, grid=opened.only_grid(grid, encoder=key))
        hits = best_frames((opened.open_row(row) for row in rows), prompt, k=k)
    else:
        hits = best_frames([opened.view(video, encoder=key, grid=grid)], prompt, k=k)
    if json:
        print_json({"query": text, "hits": [dataclasses.asdict(hit) for hit in hits]})
        return
    print_table(
        ["score", "time", "video"],
        [[f"{hit.score:.4f}", clock(hit.time_s), str(Path(hit.path))] for hit in hits],
    )
