"""What `moodlens` does from a shell, one module a command."""
