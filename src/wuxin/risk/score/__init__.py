"""Credit scores: features with a direction, a probability of default, its reasons and its watch."""
