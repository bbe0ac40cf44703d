"""Wuxin's tests; a package so that `tests.servers` is ours and no library's folder of that name."""
