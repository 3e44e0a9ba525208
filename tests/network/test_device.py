"""Where a network runs, and how precisely: each choice has its reason."""

from collections.abc import Callable

import pytest

from motionlift.errors import OptionError
from motionlift.network.device import choose_device, choose_precision


def test_each_choice_has_a_reason() -> None:
    device = choose_device()
    assert device.reason
    assert choose_precision(device.value).reason


def test_what_was_asked_for_is_taken() -> None:
    assert str(choose_device("cpu")) == "cpu (as asked)"
    assert str(choose_precision("cpu", "bf16")) == "bf16 (as asked)"


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        (lambda: choose_device("tpu"), "no device is named 'tpu'"),
        (lambda: choose_device("cuda:99"), "'cuda:99' is not here"),
        (lambda: choose_device("cpu:x"), "no device is named 'cpu:x'"),
        (lambda: choose_device("cpu:"), "no device is named 'cpu:'"),
        (lambda: choose_device("cpu:00"), "no device is named 'cpu:00'"),
        (lambda: choose_device("cpu:\u00b2"), "no device is named 'cpu:\u00b2'"),
        (lambda: choose_precision("cpu", "fp8"), "there are: fp32, bf16"),
    ],
)
def test_what_is_not_here_is_refused(choose: Callable[[], object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        choose()
