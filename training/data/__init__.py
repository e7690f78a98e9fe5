"""Labelled pictures, and how they are split."""
