"""Known attacks on narrow federated learning, on a real split table; and the same task in the wing.

Every attack says what the attacker sees by the protocol itself (nobody cheats), what he works out
from it and how well, and what the wing opens for the same task. ``wuxin joint attacks`` runs them.
"""
