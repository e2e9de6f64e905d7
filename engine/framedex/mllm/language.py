"""The language model of an MLLM: reads prefixes once, and after each a tree of continuations in one row.

A tree's tokens stand side by side. What each of them sees is said by a mask, where it stands in its own text by its position id,
so every branch reads as if it were alone. The prefix's keys and values are used where they lie, by all branches.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.cache_utils import Cache, DynamicLayer

from framedex.mllm.tokens import Ids
from framedex.mllm.tree import TokenTree

#: Positions whose distribution over the vocabulary is in memory at once.
POSITIONS = 256

KeysAndValues = tuple[tuple[torch.Tensor, torch.Tensor], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prefix:
    """A batch of prefixes that the model has read, padded on the left.

    Attributes:
        present: bool (b, p), whether a token is there.
        layers: keys and values of each layer, (b, heads, p, width).
    """

    present: torch.Tensor
    layers: KeysAndValues

    def row(self, number: int) -> Prefix:
        """One of them, without its padding; nothing is copied."""
        start = int((~self.present[number]).sum())
        return Prefix(
            present=self.present[number : number + 1, start:],
            layers=tuple(
                (keys[number : number + 1, :, start:], values[number : number + 1, :, start:])
                for keys, values in self.layers
            ),
        )


class LanguageModel:
    """A text model of transformers and its output layer.

    Args:
        model: takes `inputs_embeds`, a mask of four dimensions, position ids and a cache.
        lm_head: hidden states to logits.
        placeholder_id: the token that a visual token takes the place of.
        pad_id: any other token.
    """

    def __init__(self, model: torch.nn.Module, lm_head: torch.nn.Module, *, placeholder_id: int, pad_id: int) -> None:
        self._model: Any = model
        self._lm_head = lm_head
        self._placeholder_id = placeholder_id
        self._pad_id = pad_id

    @torch.inference_mode()
    def prefixes(self, rows: Sequence[Ids], visual: Sequence[torch.Tensor]) -> Prefix:
        """Read b >= 1 prefixes.

        Args:
            rows: their ids, one or more each.
            visual: (placeholders, hidden) of each.
        """
        longest = max(map(len, rows))
        ids = np.full((len(rows), longest), self._pad_id, dtype=np.int64)
        present = np.zeros((len(rows), longest), dtype=np.bool_)
        for number, row in enumerate(rows):
            ids[number, longest - len(row) :] = row
            present[number, longest - len(row) :] = True
        there = self._tensor(present)
        embeddings = self._embeddings(ids)
        places = self._tensor(ids == self._placeholder_id)
        embeddings[places] = torch.cat(list(visual)).to(embeddings)
        mask = None
        if not present.all():
            earlier = torch.ones(longest, longest, dtype=torch.bool, device=there.device).tril()
            # A padding's own place is left visible to it: a row that sees nothing has no finite softmax.
            alone = torch.eye(longest, dtype=torch.bool, device=there.device)
            mask = ((earlier & there[:, None, :]) | alone)[:, None]
        cache = Cache(layer_class_to_replicate=DynamicLayer)
        self._model(
            inputs_embeds=embeddings,
            attention_mask=mask,
            position_ids=(there.long().cumsum(1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
        )
        return Prefix(present=there, layers=tuple((layer.keys, layer.values) for layer in cache.layers))

    @torch.inference_mode()
    def trees(self, prefix: Prefix | None, trees: Sequence[TokenTree]) -> list[torch.Tensor]:
        """Read a tree after each prefix.

        Args:
            prefix: of b rows, which stay as they are; None where nothing precedes the trees.
            trees: b of them, one node or more each.

        Returns:
            Last hidden states of each tree's nodes, (nodes, hidden).
        """
        longest = max(map(len, trees))
        ids = np.full((len(trees), longest), self._pad_id, dtype=np.int64)
        depths = np.zeros((len(trees), longest), dtype=np.int64)
        visible = np.repeat(np.eye(longest, dtype=np.bool_)[None], len(trees), axis=0)
        for number, tree in enumerate(trees):
            n = len(tree)
            ids[number, :n], depths[number, :n], visible[number, :n, :n] = tree.ids, tree.depths, tree.visible()
        positions, mask = self._tensor(depths), self._tensor(visible)
        if prefix is not None:
            positions = positions + prefix.present.sum(1, keepdim=True)
            before = prefix.present[:, None, :].expand(-1, longest, -1)
            mask = torch.cat([before, mask], dim=2)
        hidden = self._model(
            inputs_embeds=self._embeddings(ids),
            attention_mask=mask[:, None],
            position_ids=positions,
            past_key_values=None if prefix is None else cache_of(prefix),
            use_cache=prefix is not None,
        ).last_hidden_state
        return [hidden[number, : len(tree)] for number, tree in enumerate(trees)]

    @torch.inference_mode()
    def after(
        self, cache: Cache, ids: NDArray[np.int64], positions: NDArray[np.int64], visible: NDArray[np.bool_]
    ) -> torch.Tensor:
        """Read tokens behind what a cache holds, into it.

        Args:
            cache: of one row, p tokens.
            ids: (n,).
            positions: (n,).
            visible: (n, p + n), which tokens each sees.

        Returns:
            Last hidden states, (n, hidden).
        """
        hidden: torch.Tensor = self._model(
            inputs_embeds=self._embeddings(ids[None]),
            attention_mask=self._tensor(visible[None, None]),
            position_ids=self._tensor(positions[None]),
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        return hidden[0]

    @torch.inference_mode()
    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Hidden states (k, hidden) to float32 (k, vocabulary)."""
        logits: torch.Tensor = self._lm_head(hidden)
        return logits.float()

    @torch.inference_mode()
    def logprobs(self, hidden: torch.Tensor, nodes: Sequence[int], tokens: Sequence[int]) -> NDArray[np.float64]:
        """Log-probabilities of some tokens, each after some node.

        Args:
            hidden: (n, hidden).
            nodes: k of its rows, in any order.
            tokens: k token ids.

        Returns:
            float64 (k,), worked out in float32.
        """
        found = np.empty(len(nodes), np.float64)
        at, token = np.asarray(nodes, np.int64), np.asarray(tokens, np.int64)
        different, inverse = np.unique(at, return_inverse=True)
        for start in range(0, len(different), POSITIONS):
            part = different[start : start + POSITIONS]
            distributions = self.logits(hidden[self._tensor(part)]).log_softmax(-1)
            mine = np.flatnonzero((inverse >= start) & (inverse < start + len(part)))
            values = distributions[self._tensor(inverse[mine] - start), self._tensor(token[mine])]
            found[mine] = values.double().cpu().numpy()
        return found

    def put(self, tokens: torch.Tensor) -> torch.Tensor:
        """Visual tokens on the model's device."""
        return tokens.to(self._model.device)

    def _embeddings(self, ids: NDArray[np.int64]) -> torch.Tensor:
        embed = self._model.get_input_embeddings()
        embeddings: torch.Tensor = embed(torch.from_numpy(ids).to(embed.weight.device))
        return embeddings

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._model.device)


class Growing:
    """A prefix and a tree after it that grows between readings: each token is read once.

    Args:
        language: the model.
        prefix: of one row without padding, which stays as it is; None where nothing precedes the tree.
    """

    def __init__(self, language: LanguageModel, prefix: Prefix | None) -> None:
        self._language = language
        self._before = 0 if prefix is None else prefix.present.shape[1]
        self._cache = Cache(layer_class_to_replicate=DynamicLayer) if prefix is None else cache_of(prefix)
        self._done = 0
        #: Forwards so far.
        self.readings = 0

    def read(self, tree: TokenTree) -> torch.Tensor:
        """Read the nodes that are new; their last hidden states, (nodes, hidden)."""
        visible = tree.visible()[self._done :]
        before = np.ones((len(visible), self._before), dtype=np.bool_)
        hidden = self._language.after(
            self._cache,
            tree.ids[self._done :],
            tree.depths[self._done :] + self._before,
            np.concatenate([before, visible], axis=1),
        )
        self._done = len(tree)
        self.readings += 1
        return hidden

    def likeliest(self, hidden: torch.Tensor, *, earlier: Sequence[Collection[int]], penalty: float) -> list[int]:
        """The most likely token after each of some nodes; ties to the smaller.

        Args:
            hidden: (k, hidden).
            earlier: the tokens that stand before each answer's next.
            penalty: what their logits are divided by where positive, multiplied by where negative; 1 for none.
        """
        found: list[int] = []
        for start in range(0, len(hidden), POSITIONS):
            logits = self._language.logits(hidden[start : start + POSITIONS])
            if penalty != 1:
                for row, tokens in zip(logits, earlier[start : start + POSITIONS], strict=True):
                    at = torch.tensor(sorted(tokens), device=row.device)
                    row[at] = torch.where(row[at] < 0, row[at] * penalty, row[at] / penalty)
            found.extend(logits.argmax(-1).tolist())
        return found


def cache_of(prefix: Prefix) -> Cache:
    """A cache that begins with a prefix: what is read next is put behind it in new memory."""
    layers = []
    for keys, values in prefix.layers:
        layer = DynamicLayer()
        layer.lazy_initialization(keys, values)
        layer.keys, layer.values = keys, values
        layers.append(layer)
    return Cache(layers=layers)
