"""Terms: the words that all rooms share: records, units, money, place, clock, names, errors."""
