"""Encoder families by name; each module is imported only when its family is asked for."""

from __future__ import annotations

from collections.abc import Callable

from framedex.registry import Registry
from framedex_export.families.base import Family
from framedex_export.families.pair import PairFamily

__all__ = ["Family", "PairFamily", "families", "pair_families"]

#: Each is called as `(checkpoint, **options)` and gives the checkpoint, read and checked.
families: Registry[Callable[..., Family]] = Registry("encoder family")
families.add("siglip", "framedex_export.families.siglip:read", extra="export")
families.add("siglip2", "framedex_export.families.siglip2:read", extra="export")
families.add("clip", "framedex_export.families.clip:read", extra="export")
families.add("cris", "framedex_export.families.cris:read", extra="export")

#: The same for networks over a frame and a text together.
pair_families: Registry[Callable[..., PairFamily]] = Registry("pair scorer family")
pair_families.add("cris-mask", "framedex_export.families.cris_mask:read", extra="export")
pair_families.add("clipseg", "framedex_export.families.clipseg:read", extra="export")
pair_families.add("blip-itm", "framedex_export.families.blip_itm:read", extra="export")
