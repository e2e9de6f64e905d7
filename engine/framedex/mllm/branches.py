"""Questions about one set of frames as branches of a tree, and what the model's answers are read from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framedex.mllm.tokens import Prompt
from framedex.mllm.tree import TokenTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One prompt in a tree.

    Attributes:
        row: of the ask.
        prompt: whose suffix and options they are.
        leaf: node of the suffix's last token, which the answer follows.
        nodes: for each option (letter) the nodes that its tokens (spellings) follow.
    """

    row: int
    prompt: Prompt
    leaf: int
    nodes: tuple[tuple[int, ...], ...]

    @property
    def tokens(self) -> tuple[tuple[int, ...], ...]:
        """What follows the nodes: each option's tokens, or each letter's spellings."""
        return self.prompt.options or self.prompt.letters

    def totals(self, logprobs: NDArray[np.float64]) -> tuple[float, ...]:
        """Log-probability of each option: the sum over its tokens, without an end; of each letter: its spellings added.

        Args:
            logprobs: of `tokens` after `nodes`, all in a row.
        """
        if not self.nodes:
            return ()
        parts = np.split(logprobs, np.cumsum([len(each) for each in self.nodes])[:-1])
        if self.prompt.letters:
            return tuple(float(np.logaddexp.reduce(part)) for part in parts)
        return tuple(float(part.sum()) for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tree:
    """Prompts that are read in one row.

    Attributes:
        tree: their tokens after the frames, options' included but for the last of each.
        branches: one per prompt.
    """

    tree: TokenTree
    branches: tuple[Branch, ...]


def grown(prompts: Iterable[tuple[int, Prompt]], *, limit: int) -> list[Tree]:
    """Put prompts into as few trees as the limit lets, in order.

    Args:
        prompts: of one set of frames, each with the row of its ask.
        limit: tokens of a tree; a prompt that alone has more gets a tree of its own.
    """
    trees: list[Tree] = []
    tree, branches = TokenTree(), list[Branch]()
    for row, prompt in prompts:
        fresh = tree.fresh(prompt.suffix) + sum(len(option) - 1 for option in prompt.options)
        if branches and len(tree) + fresh > limit:
            trees.append(Tree(tree=tree, branches=tuple(branches)))
            tree, branches = TokenTree(), []
        branches.append(_branch(tree, row, prompt))
    return [*trees, Tree(tree=tree, branches=tuple(branches))] if branches else []


def _branch(tree: TokenTree, row: int, prompt: Prompt) -> Branch:
    leaf = tree.add(prompt.suffix)[-1]
    if prompt.letters:
        nodes = tuple((leaf,) * len(ids) for ids in prompt.letters)
    else:
        # The last token of an option has nothing to say: only what stands before it is read.
        nodes = tuple((leaf, *tree.add(ids[:-1], after=leaf)) for ids in prompt.options)
    return Branch(row=row, prompt=prompt, leaf=leaf, nodes=nodes)
