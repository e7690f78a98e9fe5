"""Everything that makes weights: reading Emotion6, learning, judging, publishing."""
