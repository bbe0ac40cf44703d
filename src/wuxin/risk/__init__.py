"""Risk: what the twin's state means; rules are data, models functions, findings carry reasons."""
