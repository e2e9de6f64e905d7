"""Many continuations of one prefix as a tree of tokens: what they share is there once, and none sees another's branch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: The parent of a first token.
ROOT = -1


class TokenTree:
    """Tokens with parents; a token sees its ancestors, itself and the prefix. Grows; nodes keep their numbers."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._parents: list[int] = []
        self._depths: list[int] = []
        self._children: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> NDArray[np.int64]:
        """int64 (n,), the token of each node."""
        return np.array(self._ids, dtype=np.int64)

    @property
    def depths(self) -> NDArray[np.int64]:
        """int64 (n,), how many tokens stand between the prefix and each node."""
        return np.array(self._depths, dtype=np.int64)

    def add(self, ids: Sequence[int], *, after: int = ROOT) -> list[int]:
        """Add tokens one after another; those that are there already are not added again.

        Args:
            ids: the tokens.
            after: node that the first of them follows.

        Returns:
            Their nodes.
        """
        nodes = []
        for token in ids:
            node = self._children.get((after, token))
            if node is None:
                node = len(self._ids)
                self._children[after, token] = node
                self._ids.append(token)
                self._parents.append(after)
                self._depths.append(0 if after == ROOT else self._depths[after] + 1)
            nodes.append(node)
            after = node
        return nodes

    def fresh(self, ids: Sequence[int]) -> int:
        """How many nodes `add(ids)` would make."""
        after = ROOT
        for position, token in enumerate(ids):
            node = self._children.get((after, token))
            if node is None:
                return len(ids) - position
            after = node
        return 0

    def path(self, node: int) -> list[int]:
        """The tokens from a node back to the first, its own among them."""
        tokens = []
        while node != ROOT:
            tokens.append(self._ids[node])
            node = self._parents[node]
        return tokens

    def visible(self) -> NDArray[np.bool_]:
        """bool (n, n): whether the node of a row sees the node of a column."""
        seen = np.eye(len(self._ids), dtype=np.bool_)
        for node, parent in enumerate(self._parents):  # a parent has a smaller number than its children
            if parent != ROOT:
                seen[node] |= seen[parent]
        return seen
