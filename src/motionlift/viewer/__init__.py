"""Looking at motion: one self-contained web page, and still pictures."""
