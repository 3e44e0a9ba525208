"""The mean of two networks' weights, of which one was trained on from the other.

    python scripts/average_weights.py BEFORE AFTER --out PATH [--share 0.5]

Where the second training began from the first network, the mean often does better than either
(Wortsman et al., ICML 2022). The card is that of AFTER, without its validation; an error head is
left out.
"""

import argparse
from pathlib import Path

import torch

from motionlift.network.weights import load_model, save_weights


def main() -> None:
    """Average, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.5, help="of AFTER")
    asked = parser.parse_args()
    before, after = load_model(asked.before), load_model(asked.after)
    if before.config != after.config:
        raise SystemExit(f"{asked.after}: not the sizes of {asked.before}")
    theirs = before.state_dict()
    mean = {
        name: torch.lerp(theirs[name], value, asked.share)
        for name, value in after.state_dict().items()
    }
    after.load_state_dict(mean)
    after.error_head = None
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    save_weights(asked.out, after, card={**(after.card or {}), "validation": {}})


if __name__ == "__main__":
    main()
