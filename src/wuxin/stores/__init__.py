"""Stores: the journal (truth), the book (one transaction per step) and the history (columns)."""
