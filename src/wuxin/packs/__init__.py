"""Packs: the six industries, all furnished the same way with the four standards (C1 to C4)."""
