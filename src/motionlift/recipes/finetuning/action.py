"""Action recognition: a new head on the representation (section 4.3 of the paper).

Rates and weight decay are the published ones. A repetition is stretched to few frames: what counts
is that all of it is there, and any network takes clips of that length. Few repetitions and few
steps ask for a smaller hidden layer without dropout, and for a rate that falls to 0.
"""

from dataclasses import replace

from motionlift.data.clips import ClipSettings
from motionlift.recipes import small
from motionlift.tasks.action import Action
from motionlift.training.recipe import OptimizerSettings, Stage

RECIPE = replace(
    small.RECIPE,
    name="action",
    summary=(
        "Classes of whole repetitions from 2D keypoints, one random view of each a step; it must "
        "get above the share of the most frequent class."
    ),
    task=Action(hidden=512, dropout=0.0),
    model="default",
    data=replace(small.RECIPE.data, clips=ClipSettings()),
    stages=(Stage(frames=9, stride=9, batch=16, epochs=20),),
    optimizer=OptimizerSettings(
        kind="adamw", learning_rate=1e-3, weight_decay=0.01, schedule="linear"
    ),
    validate_every=50,
)
