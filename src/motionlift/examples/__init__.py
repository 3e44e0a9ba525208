"""Keypoints that ship in the package: what `motionlift.example` makes, as a file."""
