"""What `motionlift bench` measures: the machine, its products, and our work beside plain twins.

A measurement and its twins run in alternation in one process, so that a noisy machine disturbs
them alike; the best time counts, and ratios are of best times. Each measurement has a process of
its own, whose peak memory is its own too.
"""
