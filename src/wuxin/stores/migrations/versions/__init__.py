"""One file per change of the book's schema."""
