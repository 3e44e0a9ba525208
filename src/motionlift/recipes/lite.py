"""The paper's pretraining with the published lite network."""

from dataclasses import replace

from motionlift.network.dstformer import LITE
from motionlift.recipes import paper

RECIPE = replace(
    paper.RECIPE,
    name="lite",
    summary=(
        "The paper's procedure with 16.0 M parameters. Cost: two fifths of what `paper` costs, by "
        "its operations, not measured. To reach: no figure was published for this size."
    ),
    network=LITE,
)
