"""Engines: who calls the step; the embedded one is a plain loop."""
