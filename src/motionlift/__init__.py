"""motionlift: 2D keypoints in, 3D motion out."""
