"""Evidence: a tamper-evident log of what was accepted, found and done (C2SP tlog-tiles)."""
