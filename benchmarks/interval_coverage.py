"""How often intervals of accuracies hold the truth, where videos of a group hang together.

    python benchmarks/interval_coverage.py

Draws groups of videos: each group's share of right ones from a beta distribution, whose correlation
says how much its videos hang together, from 0, not at all, to 1, all right or all wrong. Prints the
lowest coverage by group, by video, and of the difference of two models by group, over several
shares of right ones.
"""

import argparse

import numpy as np

from keras_seattn.evaluation.intervals import difference_interval, share_interval

SHARES = (0.5, 0.85, 0.95, 0.99, 0.998)
WORSE = 0.02  # by how much a second model is, whose difference is to be held
CORRELATIONS = (0, 0.1, 0.3, 0.6, 1)


def draw(generator, numbers, share, correlation):
    """Which videos are right, of groups with these numbers."""
    groups = numbers[-1] + 1
    if correlation in (0, 1):
        shares = np.where(generator.random(groups) < share, 1.0, 0.0) if correlation else share
    else:
        scale = 1 / correlation - 1
        shares = generator.beta(share * scale, (1 - share) * scale, groups)
    return generator.random(len(numbers)) < np.broadcast_to(shares, groups)[numbers]


def coverage(groups, share, correlation, times):
    """How often intervals hold: that by group, by video, and of the difference of two by group."""
    generator = np.random.default_rng(0)
    held = np.zeros(3)
    for _ in range(times):
        numbers = np.repeat(np.arange(groups), generator.integers(4, 8, groups))
        right = draw(generator, numbers, share, correlation)
        worse = draw(generator, numbers, share - WORSE, correlation)
        for i, (interval, true) in enumerate(
            (
                (share_interval(right, groups=numbers), share),
                (share_interval(right), share),
                (difference_interval(right.astype(int) - worse, numbers), WORSE),
            )
        ):
            held[i] += interval[0] <= true <= interval[1]
    return held / times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, nargs="+", default=[7, 25, 56, 707])
    parser.add_argument("--times", type=int, default=1000, help="data sets of each kind (1000)")
    options = parser.parse_args()
    print("| groups |", *(f"correlation {correlation} |" for correlation in CORRELATIONS))
    print("| --- |" + " --- |" * len(CORRELATIONS))
    for groups in options.groups:
        row = f"| {groups} |"
        for correlation in CORRELATIONS:
            held = [coverage(groups, share, correlation, options.times) for share in SHARES]
            row += " {:.3f}, {:.3f}, {:.3f} |".format(*np.min(held, axis=0))
        print(row, flush=True)


if __name__ == "__main__":
    main()
