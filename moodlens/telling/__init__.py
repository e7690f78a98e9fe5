"""An answer as words, figures, pictures and tables."""
