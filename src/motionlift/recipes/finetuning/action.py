"""Action recognition: a new head on the representation (section 4.3 of the paper).

Rates, weight decay, batch and head are the published ones; epochs and frames are fewer, because
repetitions of exercises are shorter and fewer than the clips of the published data.
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
    task=Action(),
    model="default",
    data=replace(small.RECIPE.data, clips=ClipSettings()),
    stages=(Stage(frames=27, stride=27, batch=32, epochs=30),),
    optimizer=OptimizerSettings(
        kind="adamw", learning_rate=1e-3, weight_decay=0.01, schedule="exponential"
    ),
    validate_every=50,
)
