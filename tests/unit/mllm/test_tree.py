"""A tree of tokens holds every path once, and each node sees its own path alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framedex.mllm.branches import grown
from framedex.mllm.tokens import Prompt
from framedex.mllm.tree import TokenTree

PATHS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=5), min_size=1, max_size=8)


@given(paths=PATHS)
def test_every_path_is_seen_from_its_end(paths: list[list[int]]) -> None:
    tree = TokenTree()
    for path in paths:
        fresh = tree.fresh(path)
        before = len(tree)
        nodes = tree.add(path)
        assert len(tree) - before == fresh
        assert tree.fresh(path) == 0
        assert tree.add(path) == nodes
    visible, ids = tree.visible(), tree.ids
    assert len(tree) == len({tuple(path[:n]) for path in paths for n in range(1, len(path) + 1)})
    for path in paths:
        seen = visible[tree.add(path)[-1]].nonzero()[0]
        assert ids[seen].tolist() == path
        assert tree.depths[seen].tolist() == list(range(len(path)))


def test_a_branch_may_begin_anywhere() -> None:
    tree = TokenTree()
    (*_, end) = tree.add([7, 8])
    assert tree.add([9], after=end) == [2]
    assert tree.add([9]) == [3]
    assert tree.depths.tolist() == [0, 1, 2, 0]


@given(suffixes=PATHS, limit=st.integers(1, 12), options=PATHS)
def test_prompts_keep_their_order_and_trees_their_limit(
    suffixes: list[list[int]], limit: int, options: list[list[int]]
) -> None:
    prompts = [Prompt(prefix=(), suffix=tuple(suffix), options=tuple(map(tuple, options))) for suffix in suffixes]
    trees = grown(enumerate(prompts), limit=limit)
    assert [branch.row for tree in trees for branch in tree.branches] == list(range(len(prompts)))
    for tree in trees:
        assert len(tree.tree) <= limit or len(tree.branches) == 1
        for branch in tree.branches:
            path = tree.tree.visible()[branch.leaf].nonzero()[0]
            assert tree.tree.ids[path].tolist() == list(branch.prompt.suffix)
            assert [len(nodes) for nodes in branch.nodes] == [len(option) for option in options]


def test_nothing_asked_is_no_tree() -> None:
    assert grown([], limit=5) == []


def test_a_path_is_a_nodes_own_tokens_and_none_of_another_branch() -> None:
    tree = TokenTree()
    tree.add([5, 6, 7])
    leaf = tree.add([5, 8, 5])[-1]
    assert tree.path(leaf) == [5, 8, 5]
    assert tree.path(leaf - 1) == [8, 5]
