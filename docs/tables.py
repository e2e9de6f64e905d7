"""The tables of README and docs: what committed results of benches say, as Markdown. docs/build.py writes them."""

from __future__ import annotations

from typing import Any

CONTAINERS = {"mkv": "Matroska", "mp4": "MP4"}


def throughput_table(result: dict[str, Any]) -> str:
    """Rates per stage of bench/throughput.py."""
    rows = {row["name"]: row for row in result["rows"]}
    lines = ["| stage | items per second | share of time | fraction of its ceiling |", "| --- | ---: | ---: | ---: |"]
    for stage in result["config"]["stages"]:
        rate = rows[f"{stage}.rate"]
        share = rows[f"{stage}.share"]["value"]
        fraction = result["ratios"][f"fraction_of_ceiling.{stage}"]
        lines.append(f"| {stage} | {rate['value']:,.0f} {rate['unit']} | {100 * share:.1f} % | {fraction:.2f} |")
    config = result["config"]
    lines.append("")
    lines.append(f"{config['what']}; {result['machine']}; `{config['command']}` at commit `{result['commit']}`.")
    return "\n".join(lines)


def demo_table(result: dict[str, Any]) -> str:
    """How often each sampler of the demo catches the evidence, and how often the model is then right."""
    config = result["config"]
    right = {row["name"]: row["value"] for row in result["rows"] if row["unit"] == "share right"}

    def answered(sampler: str, prompt: str) -> str:
        share = right.get(f"{sampler}, {config['budget']} frames, {prompt} prompt")
        return "" if share is None else f"{100 * share:.0f} %"

    lines = [
        "| frames by | evidence among them | right answers, frames chosen by the question | by the answer |",
        "| --- | ---: | ---: | ---: |",
    ]
    for row in result["rows"]:
        if row["unit"] == "share of questions":
            name = row["name"]
            lines.append(
                f"| {name} | {100 * row['value']:.0f} % | {answered(name, 'question')} | {answered(name, 'answer')} |"
            )
    blind = right["no-video, 0 frames, no prompt"]
    lines.append("")
    lines.append(
        f"{config['questions']} captions on {config['videos']} clips, {config['budget']} frames each; without video "
        f"{100 * blind:.0f} % of the answers are right, 25 % would be by chance; `{config['command']}`."
    )
    return "\n".join(lines)


def decode_table(result: dict[str, Any]) -> str:
    """Seconds to sampled frames on the main clip of bench/decode.py."""
    rows = {row["name"]: row["value"] for row in result["rows"]}
    config = result["config"]
    clip = config["main"]
    names = ("framedex", "pyav", "decord", "torchcodec", "ffmpeg", "needed_packets")
    titles = ("framedex", "PyAV", "decord", "TorchCodec", "ffmpeg", "only the needed packets, from memory")
    lines = [
        "| frames | " + " | ".join(titles) + " |",
        "| --- |" + " ---: |" * len(names),
    ]
    for grid, title in (("1fps", "1 per second"), ("0p1fps", "1 per 10 s"), ("every", "every one")):
        cells = [f"{rows[key]:.2f} s" if (key := f"{clip}.{grid}.{name}") in rows else "" for name in names]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    worst = f"{result['ratios']['worst_codec_vs_pyav']:.2f} × the speed of PyAV ({config['worst_codec']})"
    remark = (
        f"One minute of synthetic 720p H.264, the same pixels from each; {result['machine']}; over all codecs and grids "
        f"the slowest case is {worst}; `{config['command']}` at commit `{result['commit']}`."
    )
    return "\n".join([*lines, "", remark])


def ingest_table(results: dict[str, Any]) -> str:
    """Whole ingests of bench/ingest.py, and memory by bench/ingest_memory.py, where it has a result."""
    result = results["ingest"]
    rows = {row["name"]: row["value"] for row in result["rows"]}
    lines = [
        "| clips | framedex | what the machine allows | decode everything, embed, save |",
        "| --- | ---: | ---: | ---: |",
    ]
    for workload in result["config"]["sizes"]:
        ours, loop = rows[f"{workload}.ingest.wall"], rows[f"{workload}.loop.wall"]
        limit = ours / rows[f"{workload}.wall_over_limit"]
        lines.append(f"| {workload.replace('_', ' ')} | {ours:.1f} s | {limit:.1f} s | {loop:.1f} s |")
    remark = f"Equal vectors; {result['machine']}; `{result['config']['command']}` at commit `{result['commit']}`."
    grown = "; ".join(_grown(results[bench]) for bench in ("ingest_memory", "ingest") if bench in results)
    memory = f"The memory that three hours of video take, over that of three minutes: {grown}."
    return "\n".join([*lines, "", remark, memory])


def _grown(result: dict[str, Any]) -> str:
    """How much more memory a long video takes, by container."""
    rows = {row["name"]: row["value"] for row in result["rows"]}
    grown = [f"{rows[f'memory.{kind}.long_over_short']:.2f} × in {name}" for kind, name in CONTAINERS.items()]
    size = result["config"]["memory"].partition(",")[0].replace("x", " × ")
    return f"{', '.join(grown)} at {size} (commit `{result['commit']}`)"


def embed_table(result: dict[str, Any]) -> str:
    """Ways to run SigLIP base in bench/embed.py, all timed in turns."""
    rows = {row["name"]: row["value"] for row in result["rows"]}
    batch = result["config"]["batch"]
    ways = {
        "Hugging Face, torch eager": "peer.torch_eager",
        "its default export on ONNX Runtime": "peer.default_onnxruntime",
    }
    ours = {
        name.removeprefix("siglip-b16-224.").removesuffix(f".batch{batch}").replace(".", ", "): name
        for name in rows
        if name.startswith("siglip-b16-224.") and name.endswith(f".batch{batch}")
    }
    lines = ["| SigLIP base, patch 16, 224 | frames/s | least cosine |", "| --- | ---: | ---: |"]
    for title, name in (ways | {f"framedex, {title}": name for title, name in ours.items()}).items():
        lines.append(f"| {title} | {rows[name]:.2f} | {rows[f'{name}.cosine']:.4f} |")
    ratios = result["ratios"]
    remark = (
        f"In float32 that is {100 * ratios['fp32_fraction_of_gemm']:.0f} % of the rate of a matrix product. Batches of {batch}, "
        f"{result['machine']}; random weights; `{result['config'].get('command', 'python bench/embed.py')}` "
        f"at commit `{result['commit']}`."
    )
    return "\n".join([*lines, "", remark])


def parity_table(result: dict[str, Any]) -> str:
    """Families at their base shapes in bench/embed.py: parity at export."""
    rows = {row["name"]: row["value"] for row in result["rows"]}
    lines = ["| shape | 1 − least cosine, pictures | texts | pixels, grey levels |", "| --- | ---: | ---: | ---: |"]
    for shape in (name.removesuffix(".parity.images") for name in rows if name.endswith(".parity.images")):
        images, texts = (1 - rows[f"{shape}.parity.{kind}"] for kind in ("images", "texts"))
        lines.append(f"| {shape} | {images:.0e} | {texts:.0e} | {rows[f'{shape}.parity.pixels']:.0f} |")
    return "\n".join(lines)


def oracle_table(result: dict[str, Any]) -> str:
    """A sliding-window oracle of bench/oracle.py, against a loop that puts every question by itself."""
    rows = {row["name"]: row["value"] for row in result["rows"]}
    config, ratios = result["config"], result["ratios"]
    ways = {
        "stride4": "4 apart",
        "stride1": "1 apart",
        "stride4_orders": f"4 apart, options in all {config['options']} orders",
    }
    lines = [
        "| windows of 8 frames | framedex | the plain model, one by one | the same, decoded once | what the parts cost |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for way, title in ways.items():
        took = [rows[f"{who}.{way}"] for who in ("ours", "peer.naive", "peer.naive_decoded", "ideal")]
        lines.append(f"| {title} | " + " | ".join(f"{seconds:,.0f} s" for seconds in took) + " |")
    remark = (
        f"{config['frames']} frames, {config['prompts']} questions for each window, the shape of {config['shape']} with random "
        f"weights, {config['dtype']}, {result['machine']}; logits within {ratios['max_relative_logit_difference']:.0e} of the "
        f"largest; the plain model is {config['naive']}; `python bench/oracle.py` at commit `{result['commit']}`."
    )
    return "\n".join([*lines, "", remark])


def lookups_table(results: dict[str, dict[str, Any]]) -> str:
    """What look-ups and selections cost, of those benches that have a result; nothing where none has."""
    rows_of = {"lookup": lookup_rows, "select": select_rows, "throughput": stage_rows, "scale": scale_rows}
    rows = {bench: rows_of[bench](result) for bench, result in results.items()}
    used = {bench: results[bench] for bench, each in rows.items() if each}
    if not used:
        return ""
    runs = [f"`python bench/{bench}.py` at commit `{result['commit']}`" for bench, result in used.items()]
    machines = dict.fromkeys(result["machine"] for result in used.values())
    lines = [
        "What a prompt costs once frames are indexed; answers are compared before they are timed:",
        "",
        "| what | framedex | beside it |",
        "| --- | ---: | --- |",
        *("| " + " | ".join(row) + " |" for each in rows.values() for row in each),
        "",
        f"{', '.join(machines)}; {', '.join(runs)}.",
    ]
    return "\n".join(lines)


def lookup_rows(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Look-ups against peers, from memory and from disk."""
    rows = {row["name"]: row["value"] for row in result["rows"]}
    config, ratios = result["config"], result["ratios"]
    size = f"{config['frames']} frames × {config['dim']}, {config['prompts']} prompts each"
    peers = f"FAISS {rows['ours.top8'] * ratios['speedup_vs_faiss']:.3f} s; torch in float32, without the best, "
    return [
        (
            f"all scores and the best {config['top']}, {config['videos']:,} videos × {size}",
            f"{rows['ours.top8']:.3f} s",
            f"{peers}{rows['peer.torch_bmm']:.3f} s; memory and arithmetic allow {rows['floor']:.3f} s",
        ),
        (
            f"the same of {config['cold_videos']:,} videos, cold from disk",
            f"{rows['cold.lookup']:.2f} s",
            f"reading the {rows['cold.gb']:.1f} GB takes {rows['cold.read']:.2f} s",
        ),
    ]


def select_rows(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The slowest and the quickest of the samplers, and what NumPy takes."""
    ratios, prefix = result["ratios"], "speedup_vs_numpy."
    speedups = {name.removeprefix(prefix): ratio for name, ratio in ratios.items() if name.startswith(prefix)}
    rates = {name: ratios[f"selections_per_second.{name}"] for name in speedups}
    slowest, quickest = min(rates, key=rates.__getitem__), max(rates, key=rates.__getitem__)
    least, second, *_, most = sorted(speedups, key=speedups.__getitem__)
    told = {name: f"{speedups[name]:.1f}" for name in (least, second, most)}
    return [
        (
            f"selections by one sampler, `{slowest}` to `{quickest}`",
            f"{rates[slowest]:,.0f} to {rates[quickest]:,.0f} a second",
            f"{told[second]} (`{second}`) to {told[most]} (`{most}`) × a batched NumPy version; `{least}` {told[least]} ×",
        )
    ]


def stage_rows(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """A question set's selections, and a sweep's."""
    rows = {row["name"]: row["value"] for row in result["rows"]}
    if "select.seconds" not in rows:
        return []
    config = result["config"]
    what = f"{config['prompts']} prompts × {len(config['samplers'])} samplers × {len(config['budgets'])} budgets"
    return [
        (
            f"{rows['select.selections']:,.0f} selections ({what}), from the store to a Parquet file",
            f"{rows['select.seconds']:.1f} s",
            f"a sweep's choices of the same {rows['select.sweep']:.1f} s",
        )
    ]


def scale_rows(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What a video costs among many."""
    rows = {row["name"]: row["value"] for row in result["rows"]}
    config, ratios = result["config"], result["ratios"]
    costs = [rows[f"videos.{size}.all"] for size in config["videos"]]
    chosen = config["prompts"] * len(config["samplers"]) * len(config["budgets"])
    return [
        (
            f"a video found, looked up and chosen from {chosen} times, among {config['videos'][0]:,} to {config['videos'][-1]:,}",
            f"{min(costs):.0f} to {max(costs):.0f} µs",
            f"at most {100 * ratios['cost_per_video_drift']:.0f} % from the mean; memory {ratios['peak_rss_gib']:.2f} GiB",
        )
    ]


#: Tables of several benches, of those that have a result.
TABLES_OF_SEVERAL = {
    "lookups": (("lookup", "select", "throughput", "scale"), lookups_table),
    "ingest": (("ingest", "ingest_memory"), ingest_table),
}
TABLES = {
    "throughput": throughput_table,
    "demo": demo_table,
    "decode": decode_table,
    "embed": embed_table,
    "parity": parity_table,
    "oracle": oracle_table,
}
