"""One number of threads, divided between the stages."""

from __future__ import annotations

from dataclasses import dataclass

#: Decoders step back from the processor by so much, so that the encoder takes what it needs and they take the rest.
NICENESS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Who may use how many threads; docs/decisions/0008 says why the numbers add up to more than there are.

    Attributes:
        threads: all that there are.
        workers: processes that decode.
        decoder_threads: of each of them.
        embedder_threads: of the encoder.
    """

    threads: int
    workers: int
    decoder_threads: int
    embedder_threads: int

    @classmethod
    def split(cls, threads: int, *, videos: int) -> Budget:
        """Divide `threads` (>= 1) for a run over so many videos; where these are few, each decoder has more threads."""
        workers = max(1, min(threads, videos))
        return cls(threads=threads, workers=workers, decoder_threads=threads // workers, embedder_threads=threads)

    def __str__(self) -> str:
        return (
            f"threads: {self.threads}; {self.workers} decode {_plural(self.workers, 'process', 'processes')} of "
            f"{self.decoder_threads} {_plural(self.decoder_threads, 'thread', 'threads')}, which step back for the encoder's "
            f"{self.embedder_threads}"
        )


def _plural(number: int, one: str, many: str) -> str:
    return one if number == 1 else many
