"""What goes to the Hub, and the card that goes with it."""
