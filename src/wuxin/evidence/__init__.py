"""Evidence: a tamper-evident log of all that was accepted, found and done, in C2SP tlog-tiles form."""
