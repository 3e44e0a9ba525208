"""The training loop, what a checkpoint holds, and the folder that a run leaves."""
