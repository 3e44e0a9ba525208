"""A recipe: every setting of a training. Its fields are the command line's flags.

Recipes derive from one another with `dataclasses.replace`; `motionlift.recipes` has one a file.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import tyro

from motionlift.data.batch import DataSettings
from motionlift.data.store import Store
from motionlift.errors import RecipeError
from motionlift.network.compute import Precision
from motionlift.network.dstformer import DSTformerConfig
from motionlift.ranges import check_at_least_0, check_shares
from motionlift.tasks import Samples, Task
from motionlift.tasks.lift import Lift


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Part of a training that uses clips of one length.

    Attributes:
        frames: length of a clip; 0 for that which the model that training begins from has learned
            with.
        stride: frames from one clip's start to the next.
        batch: clips a step, over all processes.
        epochs: passes over the clips.
    """

    frames: int
    stride: int
    batch: int
    epochs: int

    def __post_init__(self) -> None:
        if self.frames < 0:
            raise RecipeError(f"a stage's frames is {self.frames}, but at least 1")
        for name in ("stride", "batch", "epochs"):
            if getattr(self, name) < 1:
                raise RecipeError(f"a stage's {name} is {getattr(self, name)}, but at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerSettings:
    """How parameters move.

    Attributes:
        kind: "adam" (the paper), "adamw", or "muon": torch.optim.Muon for the matrices of the
            blocks and AdamW for the rest.
        learning_rate: of Adam and AdamW.
        muon_learning_rate: of Muon.
        weight_decay: of AdamW and Muon.
        schedule: "exponential" multiplies by `epoch_factor` after each epoch (the paper);
            "linear" falls to 0 over the whole training.
        epoch_factor: see `schedule`.
        warmup: steps over which the rate rises from 0.
        clip: largest norm of the gradient; 0 for no limit.
    """

    kind: Literal["adam", "adamw", "muon"] = "adam"
    learning_rate: float = 5e-4
    muon_learning_rate: float = 0.02
    weight_decay: float = 0.0
    schedule: Literal["exponential", "linear"] = "exponential"
    epoch_factor: float = 0.99
    warmup: int = 0
    clip: float = 0.0

    def __post_init__(self) -> None:
        numbers = ("learning_rate", "muon_learning_rate", "weight_decay", "warmup", "clip")
        check_at_least_0(self, *numbers, of="optimizer")
        check_shares(self, "epoch_factor", of="optimizer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every setting of a training.

    Attributes:
        name: as in `--recipe`.
        summary: what it trains, what it costs, and the number it must reach.
        network: sizes of the network.
        data: what happens between the store and the network.
        stages: one after the other, with the same optimiser.
        optimizer: how parameters move.
        task: what the network is trained for, with its loss; its fields are flags by themselves.
        model: weights to begin from, by name or path; "" for a new network of `network`'s sizes.
        from_scratch: take only the sizes from `model`, and begin anew.
        freeze: "backbone" if only the head learns.
        backbone_lr_scale: what the learning rates are multiplied by for layers that come from
            `model`, where the head is new.
        precision: "fp32", "bf16" (autocast), or "auto": bf16 where the device has it.
        clips_at_once: most samples that a process holds in memory at once; a batch beyond that is
            computed in parts, whose gradients add up to the same. 0 for as many as fit.
        compile: whether torch.compile makes the network's code.
        average: decay of the moving average of the weights, which is then what is validated and
            kept; 0 for none.
        validate_every: steps between validations.
        seed: of every draw.
    """

    name: str
    summary: str
    network: DSTformerConfig
    data: DataSettings = field(default_factory=DataSettings)
    stages: tuple[Stage, ...]
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    task: Annotated[Task[Any], tyro.conf.arg(name="")] = field(default_factory=Lift)
    model: str = ""
    from_scratch: bool = False
    freeze: Literal["nothing", "backbone"] = "nothing"
    backbone_lr_scale: float = 0.1
    precision: Precision = "auto"
    clips_at_once: int = 0
    compile: bool = False
    average: float = 0.0
    validate_every: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.stages:
            raise RecipeError(f"recipe {self.name}: no stage")
        if not self.model and any(stage.frames == 0 for stage in self.stages):
            raise RecipeError(f"recipe {self.name}: a stage's frames is 0, but at least 1")
        longest = max(stage.frames for stage in self.stages)
        if longest > self.network.max_frames and not self.model:
            raise RecipeError(
                f"recipe {self.name}: a stage has clips of {longest} frames, the network takes "
                f"{self.network.max_frames}; raise network.max-frames or shorten the stage"
            )
        if not self.backbone_lr_scale > 0:
            raise RecipeError(
                f"backbone-lr-scale is {self.backbone_lr_scale}, but above 0; "
                "to leave the backbone as it is: --freeze backbone"
            )
        if self.clips_at_once < 0:
            raise RecipeError(
                f"clips-at-once is {self.clips_at_once}, but at least 1, or 0 for as many as fit"
            )
        if self.validate_every < 1:
            raise RecipeError(f"validate-every is {self.validate_every}, but at least 1")
        if not 0 <= self.seed < 2**63:
            raise RecipeError(f"seed is {self.seed}, but at least 0 and below 2^63")
        if not 0 <= self.average < 1:
            raise RecipeError(f"recipe {self.name}: average is {self.average}, but in [0, 1)")

    def samples(
        self, store: Store, *, split: str, frames: int, stride: int | None = None
    ) -> Samples[Any]:
        """What this recipe's task makes of a split, in samples of so many frames.

        Args:
            stride: frames from one sample's start to the next; side by side if not given.

        Raises:
            StoreError: if there are none.
        """
        return self.task.samples(
            store,
            split=split,
            frames=frames,
            stride=stride or frames,
            data=self.data,
            seed=self.seed,
        )
