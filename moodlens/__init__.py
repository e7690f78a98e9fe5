"""MoodLens: which emotions a picture evokes, and how much its viewers would disagree."""

__version__ = "1.0.0"
