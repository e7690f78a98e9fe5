"""How good a network is, and what to hold that against."""
