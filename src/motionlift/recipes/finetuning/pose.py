"""Lifting on one's own capture: a new last layer, and a backbone that moves slowly."""

from dataclasses import replace

from motionlift.recipes import small
from motionlift.tasks.lift import Lift
from motionlift.training.recipe import OptimizerSettings, Stage

RECIPE = replace(
    small.RECIPE,
    name="pose",
    summary=(
        "Lifting from weights that can lift, on capture of one's own; it must get below the "
        "error that those weights have on its validation people."
    ),
    task=Lift(new_head=True),
    model="default",
    stages=(Stage(frames=27, stride=27, batch=24, epochs=10),),
    # The published finetuning's, with the base rate for the new layer.
    optimizer=OptimizerSettings(
        kind="adamw", learning_rate=1e-3, weight_decay=0.01, schedule="exponential"
    ),
    validate_every=200,
)
