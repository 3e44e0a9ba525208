"""The weights that ship: trained on two cores, small enough for a wheel."""

from dataclasses import replace

from motionlift.data.batch import DataSettings
from motionlift.data.clips import ClipSettings
from motionlift.data.corruption import CorruptionSettings
from motionlift.data.views import BodySettings, ViewSettings
from motionlift.network.dstformer import DSTformerConfig
from motionlift.recipes import demo
from motionlift.tasks.lift import Lift, LossWeights
from motionlift.training.recipe import OptimizerSettings, Stage

RECIPE = replace(
    demo.RECIPE,
    name="small",
    summary=(
        "1.6 M parameters; single frames, then clips of 9, then of 27, at 15 frames a second, with "
        "bodies, cameras and detector faults beyond the paper's. Cost: 110 minutes of two cores, "
        "measured with --compile and two processes of one thread on 2.4 hours of motion. To reach: "
        "40 mm on the open benchmark's test people with clean keypoints."
    ),
    network=DSTformerConfig(
        dim_feat=128,
        dim_rep=128,
        depth=3,
        num_heads=4,
        mlp_ratio=2,
        max_frames=27,
        residual=True,
    ),
    data=DataSettings(
        # A window sees more seconds than at the store's rate. From 10 to 21 frames a second, of
        # which every faster file has some multiple. Of the sets, one is people who stand idle, and
        # one is a minute of rare poses.
        clips=ClipSettings(
            fps=15.0,
            slowest=0.7,
            fastest=1.45,
            shift=True,
            repeats={"cmu": 1.5, "reactidle": 0.15, "mesh2motion": 2.0},
        ),
        body=BodySettings(bone_scale=0.01, limb_scale=0.02, exchange=0.35, turn=0.3),
        views=ViewSettings(
            tumbled=0.05,
            projection="perspective",
            share=0.15,
            share_of_detectors=0.6,
            nearest=2.0,
        ),
        corruption=CorruptionSettings(
            noise_spread=1.0,
            detectors=0.45,
            offsets=0.3,
            held=0.5,
            absent=0.25,
            occlusion=0.15,
            share=0.88,
        ),
    ),
    # Depth is learned from many different poses a step, so single frames come first; motion, which
    # helps where keypoints are noisy or lost, comes later, as the rate falls; and the longest
    # clips, of which a step sees the fewest, when it is almost 0.
    stages=(
        Stage(frames=1, stride=1, batch=432, epochs=5),
        Stage(frames=9, stride=9, batch=96, epochs=7),
        Stage(frames=27, stride=27, batch=48, epochs=18),
    ),
    task=Lift(losses=LossWeights(velocity=1.0), keypoints_from_epoch=5),
    optimizer=OptimizerSettings(
        kind="muon", learning_rate=1e-3, muon_learning_rate=0.02, schedule="linear", warmup=50
    ),
    validate_every=500,
)
