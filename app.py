"""The MoodLens Space starts here; :mod:`moodlens.commands.serve` says what happens."""

from moodlens.commands.serve import serve

if __name__ == "__main__":
    serve()
