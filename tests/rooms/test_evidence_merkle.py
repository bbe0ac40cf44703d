"""The Merkle tree against published vectors, and its proofs at any size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wuxin.evidence.merkle import (
    EMPTY_HEAD,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    leaf_hash,
    subtree_of,
    tree_head,
)

# The eight test leaves of the Certificate Transparency reference implementation, and its roots.
LEAVES = [
    leaf_hash(bytes.fromhex(text))
    for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_the_empty_tree_is_the_hash_of_nothing() -> None:
    assert tree_head([]) == EMPTY_HEAD
    assert EMPTY_HEAD.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    assert tree_head(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_an_inclusion_path_is_that_of_the_reference_implementation() -> None:
    assert [h.hex() for h in inclusion_path(0, 8, subtree=subtree_of(LEAVES))] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


def test_a_consistency_path_is_that_of_the_reference_implementation() -> None:
    assert [h.hex() for h in consistency_path(6, 8, subtree=subtree_of(LEAVES))] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


MANY = [leaf_hash(n.to_bytes(2, "big")) for n in range(700)]


@given(st.data(), st.integers(1, len(MANY)))
def test_inclusion_holds_for_its_leaf_and_for_no_other(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    path, root = inclusion_path(index, size, subtree=subtree_of(MANY)), tree_head(MANY[:size])
    assert check_inclusion(index, size, leaf=MANY[index], path=path, root=root)
    other = data.draw(st.integers(0, size))
    if other != index:
        assert not check_inclusion(index, size, leaf=leaf_hash(b"?"), path=path, root=root)
        assert not check_inclusion(other, size, leaf=MANY[index], path=path, root=root)
    assert not check_inclusion(index, size, leaf=MANY[index], path=[*path, root], root=root)
    if path:
        spoiled = [*path]
        at = data.draw(st.integers(0, len(path) - 1))
        spoiled[at] = bytes([spoiled[at][0] ^ 1]) + spoiled[at][1:]
        assert not check_inclusion(index, size, leaf=MANY[index], path=spoiled, root=root)
        assert not check_inclusion(index, size, leaf=MANY[index], path=path[:-1], root=root)


@given(st.data(), st.integers(0, len(MANY)))
def test_consistency_holds_for_a_beginning_and_for_no_fork(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(0, new))
    path = consistency_path(old, new, subtree=subtree_of(MANY))
    old_root, new_root = tree_head(MANY[:old]), tree_head(MANY[:new])
    assert check_consistency(old, new, old_root=old_root, new_root=new_root, path=path)
    fork = leaf_hash(b"fork")
    if old:
        forked = tree_head([*MANY[: old - 1], fork])
        assert not check_consistency(old, new, old_root=forked, new_root=new_root, path=path)
    if old < new and old:
        forked = tree_head([fork, *MANY[1:new]])
        assert not check_consistency(old, new, old_root=old_root, new_root=forked, path=path)
        assert not check_consistency(
            old, new, old_root=old_root, new_root=new_root, path=[*path, fork]
        )
        assert not check_consistency(old, new, old_root=old_root, new_root=new_root, path=path[1:])
    if old < new:
        assert not check_consistency(new, old, old_root=new_root, new_root=old_root, path=path)
