"""What a network is trained for: a head, its loss terms and its validation, one file a task."""
