"""How far off each joint is to be expected: a small head on weights that can lift."""

from dataclasses import replace

from motionlift.recipes import small
from motionlift.tasks.expected_error import ExpectedError
from motionlift.training.recipe import OptimizerSettings, Stage

RECIPE = replace(
    small.RECIPE,
    name="expected-error",
    summary=(
        "The expected error of each lifted joint, from a head of 8,000 weights on an encoder that "
        "stays as it is; a few minutes. Its deciles must be within 20 % of the true error."
    ),
    task=ExpectedError(),
    model="default",
    data=replace(
        small.RECIPE.data,
        # What is expected must hold for exact keypoints, for twice the published noise, and where
        # a limb is out of sight in the whole clip.
        corruption=replace(
            small.RECIPE.data.corruption,
            noise=1.0,
            noise_spread=1.0,
            occlusion=0.4,
            occlusion_length=3.0,
            share=0.6,
        ),
    ),
    # As long as the windows that the lifter cuts: what is expected depends on it.
    stages=(Stage(frames=0, stride=80, batch=16, epochs=1),),
    optimizer=OptimizerSettings(
        kind="adamw", learning_rate=1e-2, schedule="linear", weight_decay=0.01, warmup=20
    ),
    validate_every=1000,
)
