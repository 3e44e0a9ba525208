"""Our procedure against the published one, at equal network, clips and steps.

    python scripts/published_procedure.py --store STORE --out OUT

Published: one fixed view, corruption whose jitter and lost frames are shared by a batch, the scale
loss at 0.5, AdamW at 5e-4 with decay 0.01, falling by 0.99 an epoch. Since that optimiser stands
long on the plateau without depth, its data are also trained on with our optimiser and loss.
"""

from study_runs import Variant, all_runs, parser_of, table_of, write_study

from motionlift.data.store import Store

DATA = {
    "data.views.kind": "front",
    "data.corruption.compat": "published",
}
LOSS = {"task.losses.scale": 0.5}
OPTIMIZER = {
    "optimizer.kind": "adamw",
    "optimizer.learning_rate": 5e-4,
    "optimizer.weight_decay": 0.01,
    "optimizer.schedule": "exponential",
    "optimizer.warmup": 0,
}
VARIANTS = (
    Variant(name="full procedure"),
    Variant(name="published", settings=DATA | LOSS | OPTIMIZER),
    Variant(name="published data, our optimiser", settings=DATA),
)


def main() -> None:
    """Train, score, and write the table."""
    asked = parser_of("Our procedure against the published one.").parse_args()
    results = all_runs(VARIANTS, asked, store=Store.open(asked.store))
    write_study("published_procedure", asked, results=results, text=table_of(results))


if __name__ == "__main__":
    main()
