"""What every front end asks, and the doors."""
