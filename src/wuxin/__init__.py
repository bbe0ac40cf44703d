"""Wuxin (物信): lend against, insure and watch real things by what they themselves report."""

__version__ = "0.1.0"
