"""From a picture to a prediction; tensors stay in here."""
