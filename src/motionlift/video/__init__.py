"""Video as pictures and their times, picture by picture; PyAV is imported when a file is opened."""
