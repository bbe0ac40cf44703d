"""Twin: the state of every thing, built from readings in the order in which they were accepted."""
