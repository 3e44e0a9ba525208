"""What each part of the procedure is good for: the demo's network, trained with it and without.

    python scripts/ablation.py --store STORE --out OUT

Scores are the open benchmark's, on a share of its frames.
"""

from study_runs import Variant, all_runs, parser_of, table_of, write_study

from motionlift.data.store import Store

VARIANTS = (
    Variant(name="full procedure"),
    Variant(name="no noise", settings={"data.corruption.noise": 0.0}),
    Variant(
        name="no masks",
        settings={"data.corruption.joint_mask": 0.0, "data.corruption.frame_mask": 0.0},
    ),
    Variant(name="no velocity loss", settings={"task.losses.velocity": 0.0}),
    Variant(name="fixed view", settings={"data.views.kind": "front"}),
)


def main() -> None:
    """Train, score, and write the table."""
    asked = parser_of("The procedure, and the procedure without one of its parts.").parse_args()
    results = all_runs(VARIANTS, asked, store=Store.open(asked.store))
    write_study("ablation", asked, results=results, text=table_of(results))


if __name__ == "__main__":
    main()
