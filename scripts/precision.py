"""What half of the bits cost in training: bf16 autocast against fp32, everything else alike.

python scripts/precision.py --store STORE --out OUT
"""

from study_runs import Variant, all_runs, parser_of, table_of, write_study

from motionlift.data.store import Store

VARIANTS = (
    Variant(name="full procedure"),
    Variant(name="in fp32", settings={"precision": "fp32"}),
)


def main() -> None:
    """Train, score, and write the table."""
    asked = parser_of("The procedure in bf16, where the device has it, and in fp32.").parse_args()
    results = all_runs(VARIANTS, asked, store=Store.open(asked.store))
    write_study("precision", asked, results=results, text=table_of(results))


if __name__ == "__main__":
    main()
