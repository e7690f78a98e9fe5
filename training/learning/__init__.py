"""From ratings to weights."""
