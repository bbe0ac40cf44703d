"""Protocols: pure functions from bytes to readings and refusals; no clock, no socket."""
