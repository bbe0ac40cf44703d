"""Wire: how bytes arrive, and from whom. Sockets, files and identity live here; meaning does not."""
