"""Sets that only ever grow together: which belongs with which?

Near-duplicate documents are joined pair by pair and read out as groups; Kruskal's spanning tree
asks whether an edge closes a cycle. Source: Tarjan, "Efficiency of a good but not linear set union
algorithm" (1975). Left out: taking sets apart again.
"""

from collections.abc import Hashable, Iterable


class UnionFind:
    """Disjoint sets of hashable items, each known by one of its members.

    Every item points to a parent; the root of its tree stands for the set. `find` points what it
    passes to its grandparent (path halving), and the smaller tree hangs under the larger (union by
    size): m operations on n items take O(m α(n)), and α(n) < 5 for all n there are.
    """

    def __init__(self, items: Iterable[Hashable] = ()) -> None:
        self._parent: dict[Hashable, Hashable] = {}
        self._size: dict[Hashable, int] = {}
        self.count = 0
        for item in items:
            self.add(item)

    def add(self, item: Hashable) -> None:
        """Add an item as a set of its own; nothing happens if it is there."""
        if item not in self._parent:
            self._parent[item] = item
            self._size[item] = 1
            self.count += 1

    def find(self, item: Hashable) -> Hashable:
        """The member that stands for the item's set; ValueError for an unknown item."""
        if item not in self._parent:
            raise ValueError(f"{item!r} is in no set; add it first")
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def union(self, first: Hashable, second: Hashable) -> bool:
        """Join the sets of two items, adding them if new; False if they were one set already."""
        self.add(first)
        self.add(second)
        large, small = self.find(first), self.find(second)
        if large == small:
            return False
        if self._size[large] < self._size[small]:
            large, small = small, large
        self._parent[small] = large
        self._size[large] += self._size[small]
        self.count -= 1
        return True

    def connected(self, first: Hashable, second: Hashable) -> bool:
        """Whether two items are in one set."""
        return self.find(first) == self.find(second)

    def groups(self) -> list[list[Hashable]]:
        """The sets as lists, in the order in which their items came."""
        members: dict[Hashable, list[Hashable]] = {}
        for item in self._parent:
            members.setdefault(self.find(item), []).append(item)
        return list(members.values())

    def __len__(self) -> int:
        return len(self._parent)

    def __contains__(self, item: Hashable) -> bool:
        return item in self._parent
