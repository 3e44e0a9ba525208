"""Scoring: a model, or a file of predictions, against what is true.

A protocol says what is scored and how (`protocols/`); `samples` makes what a lifter sees of it;
lifters answer (`network_lifter`, `baselines`); `scoring` turns answers into errors and averages
them; `report` shows them.
"""
