"""Greedy writing after many prompts at once: each step adds a token to every branch that has not ended."""

from __future__ import annotations

import torch

from framedex.mllm.branches import Tree
from framedex.mllm.greedy import GreedyRules
from framedex.mllm.language import Growing
from framedex.mllm.tokens import Ids


@torch.inference_mode()
def written(
    growing: Growing, tree: Tree, *, before: Ids, greedy: GreedyRules, most: int
) -> tuple[torch.Tensor, list[list[int]]]:
    """Continue each branch by its most likely token, again and again.

    Args:
        growing: what was read before; the tree is not.
        tree: of prompts whose answers are written; grows.
        before: ids of what was read before.
        greedy: what ends an answer, and what a repeated token costs.
        most: tokens of an answer, >= 1.

    Returns:
        Last hidden states of the tree's nodes as it came, (nodes, hidden), and the tokens of each branch's answer, its stop left
        out.
    """
    n_asked = len(tree.tree)
    states = growing.read(tree.tree)
    likeliest: dict[int, int] = {}
    answers: list[list[int]] = [[] for _ in tree.branches]
    nodes = {number: branch.leaf for number, branch in enumerate(tree.branches)}
    while nodes:
        fresh = sorted(set(nodes.values()) - set(likeliest))
        earlier = [{*before, *tree.tree.path(node)} for node in fresh]
        likeliest.update(
            zip(
                fresh, growing.likeliest(states[fresh], earlier=earlier, penalty=greedy.repetition_penalty), strict=True
            )
        )
        for number, node in list(nodes.items()):
            token = likeliest[node]
            if token not in greedy.stops:
                answers[number].append(token)
            if token in greedy.stops or len(answers[number]) == most:
                del nodes[number]
            else:
                # Prompts that are alike write alike: the node may be there already.
                (nodes[number],) = tree.tree.add([token], after=node)
        if len(tree.tree) > len(states):
            states = torch.cat([states, growing.read(tree.tree)])
    return states[:n_asked], answers
