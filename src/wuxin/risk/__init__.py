"""Risk: what the twin's state means; rules are data, models are functions, findings carry reasons."""
