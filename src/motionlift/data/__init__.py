"""From motion capture to the batches that a network learns from."""
