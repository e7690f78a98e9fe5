"""Many pictures: sources -> predictions -> a table, on this machine or on Ray."""
