"""The book's schema through time (Alembic)."""
