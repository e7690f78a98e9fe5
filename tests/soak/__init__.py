"""Long runs of load and faults: `make soak`."""
