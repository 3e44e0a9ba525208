"""Random numbers that depend on (seed, epoch, sample) and on nothing else.

A sample draws the same whatever batch, process or device it is made on, and in whatever order, so
that a resumed or redistributed run sees what an uninterrupted one would have seen. Each number is
a hash of its sample's key, the name of what it is for, and its place in the array: the
finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
OOPSLA 2014), in wrapping int64 arithmetic, which tensors have on every device.
"""

import math
import zlib

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB
_BITS = 24  # of a float32 in [0, 1)


class Draws:
    """The random numbers of a batch of samples, one stream for each name.

    The leading axis of every answer is the sample; asking twice for the same name gives the same.
    """

    def __init__(self, keys: Int[Tensor, " sample"]) -> None:
        self._keys = keys

    @classmethod
    def of(cls, samples: Int[Tensor, " sample"], *, seed: int, epoch: int) -> "Draws":
        """The draws of these sample numbers in that epoch of a run with that seed."""
        key = _mix(torch.tensor(_wrapped(seed * _GOLDEN + epoch + 1), device=samples.device))
        return cls(_mix(samples.to(torch.int64) + key))

    def __len__(self) -> int:
        return len(self._keys)

    def uniform(
        self, name: str, *shape: int, low: float = 0.0, high: float = 1.0
    ) -> Float[Tensor, "sample *shape"]:
        """Uniform in [low, high)."""
        unit = _unit(self._hashes(name, math.prod(shape)), shift=64 - _BITS)
        return low + (high - low) * unit.reshape(-1, *shape)

    def normal(self, name: str, *shape: int) -> Float[Tensor, "sample *shape"]:
        """Standard normal, by Box and Muller's transform of two halves of one hash."""
        count = math.prod(shape)
        hashes = self._hashes(name, (count + 1) // 2)
        # 1 - u lies in (0, 1], so the logarithm is finite.
        radius = torch.sqrt(-2 * torch.log(1 - _unit(hashes, shift=64 - _BITS)))
        angle = (2 * math.pi) * _unit(hashes, shift=64 - 2 * _BITS)
        pairs = torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)
        return pairs[:, :count].reshape(-1, *shape)

    def chance(self, name: str, *shape: int, probability: float) -> Bool[Tensor, "sample *shape"]:
        """True with that probability."""
        return self.uniform(name, *shape) < probability

    def _hashes(self, name: str, count: int) -> Int[Tensor, "sample count"]:
        stream = _mix(self._keys + _wrapped(zlib.crc32(name.encode()) * _MIX_1))
        steps = torch.arange(1, count + 1, device=self._keys.device) * _wrapped(_GOLDEN)
        return _mix(stream[:, None] + steps)


def _mix(values: Int[Tensor, "*any"]) -> Int[Tensor, "*any"]:
    values = values ^ _shift(values, 30)
    values = values * _wrapped(_MIX_1)
    values = values ^ _shift(values, 27)
    values = values * _wrapped(_MIX_2)
    return values ^ _shift(values, 31)


def _shift(values: Int[Tensor, "*any"], bits: int) -> Int[Tensor, "*any"]:
    # Tensors shift int64 with its sign; the mask makes that a shift of 64 plain bits.
    return (values >> bits) & ((1 << (64 - bits)) - 1)


def _unit(hashes: Int[Tensor, "*any"], *, shift: int) -> Float[Tensor, "*any"]:
    return ((hashes >> shift) & ((1 << _BITS) - 1)).to(torch.float32) * 2.0**-_BITS


def _wrapped(value: int) -> int:
    """The int64 that has the same 64 bits."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value
