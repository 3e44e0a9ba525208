"""A protocol carried out: every condition, every sequence, every lifter, in a fixed order."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from motionlift.data.store import Sequence, Store
from motionlift.errors import OptionError
from motionlift.evaluation.expectation import Expectation
from motionlift.evaluation.protocols import StoreProtocol
from motionlift.evaluation.samples import SampleLifter, make_sample
from motionlift.evaluation.scoring import Errors, Tally, errors_of, pooled


@dataclass(slots=True, eq=False)
class Scores:
    """One lifter under one condition.

    Attributes:
        datasets: by name.
        actions: by "dataset: action".
        views: by number in `StoreProtocol.views`.
        clips: mean joint error in metres of each sequence under each of its views.
        expectation: of a lifter that tells expected errors; else it stays empty.
    """

    datasets: dict[str, Tally] = field(default_factory=dict)
    actions: dict[str, Tally] = field(default_factory=dict)
    views: dict[int, Tally] = field(default_factory=dict)
    clips: dict[tuple[str, int], float] = field(default_factory=dict)
    expectation: Expectation = field(default_factory=Expectation)

    @property
    def pooled(self) -> dict[str, float]:
        """The unweighted mean of the datasets."""
        return pooled(list(self.datasets.values()))

    def add(
        self, errors: Errors, *, sequence: Sequence, dataset: str, views: tuple[int, ...]
    ) -> None:
        """Count one sample's errors wherever they belong."""
        action = f"{dataset}: {sequence.action or 'unnamed'}"
        self.datasets.setdefault(dataset, Tally()).add(errors)
        self.actions.setdefault(action, Tally()).add(errors)
        for number, view in enumerate(views):
            own = Tally()
            own.add(errors, slice(number, number + 1))
            self.clips[sequence.name, view] = own.mean("mpjpe")
            self.views.setdefault(view, Tally()).add(errors, slice(number, number + 1))


def run_protocol(
    store: Store,
    sequences: Iterable[Sequence],
    lifters: Mapping[str, SampleLifter],
    *,
    protocol: StoreProtocol,
    conditions: Iterable[str] | None = None,
    on_progress: Callable[[int], None] = lambda frames: None,
) -> dict[str, dict[str, Scores]]:
    """Scores by condition and lifter.

    Args:
        conditions: some of the protocol's, in its order; all of them without.
        on_progress: told the frames of each sequence after it is scored under one condition.

    Raises:
        OptionError: for a condition that the protocol does not have.
    """
    chosen = chosen_conditions(protocol, conditions)
    scores = {name: {lifter: Scores() for lifter in lifters} for name in chosen}
    for name in chosen:
        for sequence in sequences:
            sample = make_sample(
                store, sequence, protocol=protocol, condition=protocol.conditions[name]
            )
            for lifter, lift in lifters.items():
                rate = sequence.fps / protocol.fps
                answer = lift(sample)
                errors = errors_of(answer[..., :3], sample.target, rate=rate)
                if answer.shape[-1] > 3:
                    scores[name][lifter].expectation.add(answer[..., 3], errors.joints)
                scores[name][lifter].add(
                    errors, sequence=sequence, dataset=sample.dataset, views=sample.views
                )
            on_progress(sequence.frames)
    return scores


def chosen_conditions(protocol: StoreProtocol, conditions: Iterable[str] | None) -> tuple[str, ...]:
    """The conditions asked for, in the protocol's order."""
    wanted = list(protocol.conditions) if conditions is None else list(conditions)
    unknown = sorted(set(wanted) - set(protocol.conditions))
    if unknown:
        raise OptionError(
            f"no condition of protocol {protocol.name} is named {', '.join(unknown)}; there are: "
            f"{', '.join(protocol.conditions)}"
        )
    return tuple(name for name in protocol.conditions if name in wanted)
