"""What a search found: its trials, their costs, the best of them and the front of trade-offs."""

import dataclasses
import math
import os
import typing
from collections.abc import Sequence

import numpy as np

from keras_seattn.files import write_csv
from keras_seattn.tuning.cost import Cost
from keras_seattn.tuning.hypermodel import setting_as_text

COLUMNS = (
    "trial", "status", "channel_reduction", "sequence_reduction", "attention_reduction",
    "se_stages", "sa_stages", "learning_rate", "epochs", "objective", "standard_error",
    "executions", "gate_parameters", "attention_parameters", "multiply_adds", "milliseconds",
    "pareto", "same_network_as", "message",
)  # fmt: skip


class TestResult(typing.NamedTuple):
    """How the best trial's model does on the test videos.

    Attributes:
        top1: float, the share of videos that are right.
        low, high: float, its 95 % interval; see `EvaluationResult.intervals`.
        videos: int, how many there are.
        seen: int, how often the test videos were scored in this search: once,
            and again only when going on with it found a better trial.
    """

    top1: float
    low: float
    high: float
    videos: int
    seen: int = 1


@dataclasses.dataclass(frozen=True)
class TrialResult:
    """One configuration and how it did.

    Attributes:
        number: str, Keras Tuner's number of the trial.
        settings: dict, see `ReductionHyperModel.settings`.
        epochs: int, how long it was trained.
        status: `"completed"` or `"failed"`.
        scores: list of float, the objective of each execution.
        message: str, why it failed.
        also: str, the reductions searched that build the same network.
        cost: `Cost`, or None for a failed trial.
        model_path: str, the saved model of the best execution, or None.
    """

    number: str
    settings: dict
    epochs: int
    status: str
    scores: Sequence[float] = ()
    message: str = ""
    also: str = ""
    cost: Cost | None = None
    model_path: str | None = None

    @property
    def score(self) -> float:
        """float, the mean of the objective over the executions; NaN if it failed."""
        return float(np.mean(self.scores)) if len(self.scores) else math.nan

    @property
    def standard_error(self) -> float:
        """float, of `score`, from the spread of the executions; NaN for a single one."""
        if len(self.scores) < 2:
            return math.nan
        return float(np.std(self.scores, ddof=1) / math.sqrt(len(self.scores)))


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """What a search found.

    Attributes:
        trials: list of `TrialResult`, in the order they were begun.
        objective: str, the metric.
        validation_videos: int, how many videos the metric is over.
        test: `TestResult` of the best trial's model; None before it was tested.
    """

    trials: list
    objective: str
    validation_videos: int
    test: TestResult | None = None

    @property
    def sign(self) -> int:
        """1 if the objective should be high, -1 if it should be low."""
        return -1 if self.objective.endswith("loss") else 1

    @property
    def completed(self) -> list[TrialResult]:
        """The trials that did not fail, a list."""
        return [trial for trial in self.trials if trial.status == "completed"]

    @property
    def compared(self) -> list[TrialResult]:
        """Those of them that were trained longest, for others cannot be compared with them."""
        longest = max((trial.epochs for trial in self.completed), default=0)
        return [trial for trial in self.completed if trial.epochs == longest]

    @property
    def ranked(self) -> list[TrialResult]:
        """All trials: those compared, the best first; those trained less; those that failed."""
        return sorted(
            self.trials,
            key=lambda trial: (
                trial.status != "completed",
                -trial.epochs,
                -self.sign * trial.score if trial.scores else 0,
            ),
        )

    @property
    def best(self) -> TrialResult:
        """The trial with the best mean of those compared; of equal ones, what adds least."""
        return max(self.compared, key=lambda t: (self.sign * t.score, -added_parameters(t)))

    @property
    def pareto_front(self) -> list[TrialResult]:
        """The trials that no other one beats with as few added parameters, cheapest first."""
        front = []
        for trial in sorted(
            self.compared, key=lambda t: (added_parameters(t), -self.sign * t.score)
        ):
            if not front or self.sign * trial.score > self.sign * front[-1].score:
                front.append(trial)
        return front

    def chance_error(self, trial: TrialResult) -> float:
        """The standard error of a trial's share of videos; NaN unless that is the objective.

        Differences of this size come from which videos happen to be in the
        validation set.

        Source:
            Agresti, Coull 1998: two videos more on either side, so that it is
            not 0 where all are right.
        """
        if self.objective != "val_top1":
            return math.nan
        videos = self.validation_videos + 4
        share = (trial.score * self.validation_videos + 2) / videos
        return math.sqrt(share * (1 - share) / videos)

    def rows(self) -> list[dict]:
        """The trials as dicts of `COLUMNS`; what is not known is None or NaN."""
        front = self.pareto_front
        return [
            {
                "trial": trial.number,
                "status": trial.status,
                **{name: setting_as_text(value) for name, value in trial.settings.items()},
                "epochs": trial.epochs,
                "objective": trial.score,
                "standard_error": trial.standard_error,
                "executions": len(trial.scores),
                **(trial.cost._asdict() if trial.cost else dict.fromkeys(Cost._fields)),
                "pareto": trial in front,
                "same_network_as": trial.also,
                "message": trial.message,
            }
            for trial in self.trials
        ]

    def save_csv(self, path: str | os.PathLike) -> None:
        """Writes `rows` as a CSV file; what is not known is left empty."""
        rows = [
            {name: "" if _unknown(row[name]) else row[name] for name in COLUMNS}
            for row in self.rows()
        ]
        write_csv(path, COLUMNS, rows)

    def __str__(self):
        lines = [("trial", "r", "d", "", self.objective, "gates", "multiply-adds", "ms", "front")]
        front = self.pareto_front
        for trial in self.ranked:
            cost = trial.cost
            score = f"{trial.score:.3f}"
            if not math.isnan(trial.standard_error):
                score += f" ± {trial.standard_error:.3f}"
            lines.append(
                (
                    trial.number,
                    *reductions(trial),
                    other_settings(trial, self.trials),
                    score if trial.status == "completed" else "failed",
                    f"{cost.gate_parameters:,}" if cost else "",
                    f"{cost.multiply_adds / 1e6:,.2f} M" if cost else "",
                    f"{cost.milliseconds:.1f}" if cost else "",
                    "*" if trial in front else "",
                )
            )
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        remarks = ["", *(trial.also or trial.message.split("\n")[0] for trial in self.ranked)]
        return "\n".join(
            "  ".join([*(c.rjust(w) for c, w in zip(line, widths, strict=True)), remark]).rstrip()
            for line, remark in zip(lines, remarks, strict=True)
        )


def reductions(trial: TrialResult) -> tuple[str, ...]:
    """The r and the d of a trial as texts: dashes where it has no gates."""
    if not trial.settings["se_stages"]:
        return "-", "-"
    return tuple(str(trial.settings[f"{axis}_reduction"]) for axis in ("channel", "sequence"))


def added_parameters(trial: TrialResult) -> int:
    """What the modules of a completed trial's network add to the base network; 0 if it failed."""
    return trial.cost.added_parameters if trial.cost else 0


def other_settings(trial: TrialResult, trials: Sequence[TrialResult]) -> str:
    """What sets a trial apart besides r and d: text, empty if these are all that differs."""
    names = ("attention_reduction", "se_stages", "sa_stages", "learning_rate")
    parts = [
        f"{name.replace('_', ' ')} {setting_as_text(value)}"
        for name, value in trial.settings.items()
        if name in names and len({other.settings[name] for other in trials}) > 1
    ]
    if len({other.epochs for other in trials}) > 1:
        parts.append(f"{trial.epochs} epochs")
    return ", ".join(parts)


def _unknown(value):
    return value is None or value != value
