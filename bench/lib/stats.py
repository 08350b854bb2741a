"""The few statistics the benchmarks need."""

import math
import statistics
from dataclasses import asdict, dataclass


@dataclass
class Ratio:
    """A ratio of two alternating conditions, from the mean of the log ratios of pairs."""

    ratio: float
    low: float  # 95 % confidence interval
    high: float
    standard_error: float
    pairs: int

    def as_dict(self):
        return asdict(self)

    def __str__(self):
        return f"{self.ratio:.4f} ± {self.standard_error:.4f} [{self.low:.4f}, {self.high:.4f}]"


def ratio_of_pairs(numerators, denominators):
    logs = [math.log(a / b) for a, b in zip(numerators, denominators)]
    mean = statistics.fmean(logs)
    error = statistics.stdev(logs) / math.sqrt(len(logs))
    return Ratio(
        math.exp(mean),
        math.exp(mean - 1.96 * error),
        math.exp(mean + 1.96 * error),
        math.exp(mean) * error,
        len(logs),
    )


def percentile(values, percent):
    """Nearest rank."""
    ordered = sorted(values)
    rank = max(1, math.ceil(percent / 100 * len(ordered)))
    return ordered[rank - 1]
