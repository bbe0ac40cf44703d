"""Business code over several institutions' tables: what contracts name and nodes may run."""
