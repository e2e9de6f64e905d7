"""The store: one FAISS file per (video, encoder, grid), and the row that says what it is."""

from framedex.index.encoder_entry import EncoderEntry
from framedex.index.row import DecodeCounts, Row, Source, VideoFacts
from framedex.index.store import Store
from framedex.index.video_index import VideoIndex

__all__ = ["DecodeCounts", "EncoderEntry", "Row", "Source", "Store", "VideoFacts", "VideoIndex"]
