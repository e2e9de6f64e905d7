"""One number of threads, divided between the stages."""

from __future__ import annotations

from dataclasses import dataclass


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

    def threads_of(self, *, last: bool) -> int:
        """Threads for decoding a video; the last one to be handed out has those of the decoders that run out of work."""
        return self.threads if last else self.decoder_threads

    def __str__(self) -> str:
        processes = "process" if self.workers == 1 else "processes"
        each = "thread" if self.decoder_threads == 1 else "threads"
        return (
            f"threads: {self.threads}; {self.workers} decode {processes} of {self.decoder_threads} {each}, and the encoder's "
            f"{self.embedder_threads}; decoding waits while the encoder is behind"
        )
