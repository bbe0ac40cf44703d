"""Wire: how bytes arrive, and from whom. Sockets and files live here; meaning does not."""
