"""The weights that ship: trained on two cores, small enough for a wheel."""

from dataclasses import replace

from motionlift.data.batch import DataSettings
from motionlift.data.clips import ClipSettings
from motionlift.data.corruption import CorruptionSettings
from motionlift.data.views import BodySettings, ViewSettings
from motionlift.network.dstformer import DSTformerConfig
from motionlift.recipes import demo
from motionlift.training.recipe import OptimizerSettings, Stage

RECIPE = replace(
    demo.RECIPE,
    name="small",
    summary=(
        "0.4 M parameters, clips of 9 frames, with bodies, cameras and detector faults beyond the "
        "paper's: a quarter of an hour on 2 cores."
    ),
    network=DSTformerConfig(
        dim_feat=64, dim_rep=64, depth=3, num_heads=4, mlp_ratio=2, max_frames=27
    ),
    data=DataSettings(
        # From 20 to 62 frames a second. Of the sets, one is people who stand idle, and one
        # is a minute of rare poses.
        clips=ClipSettings(
            slowest=0.8,
            fastest=2.5,
            shift=True,
            repeats={"cmu": 1.5, "reactidle": 0.15, "mesh2motion": 2.0},
        ),
        body=BodySettings(bone_scale=0.04, limb_scale=0.06),
        views=ViewSettings(projection="perspective", share=0.4),
        corruption=CorruptionSettings(noise_spread=0.8, offsets=1.0, absent=0.25, occlusion=0.15),
    ),
    stages=(Stage(frames=9, stride=9, batch=48, epochs=2),),
    optimizer=OptimizerSettings(
        kind="muon", learning_rate=1e-3, muon_learning_rate=0.02, schedule="linear", warmup=50
    ),
    validate_every=500,
)
