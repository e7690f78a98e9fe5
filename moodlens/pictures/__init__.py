"""Untrusted bytes -> one upright RGB picture."""
