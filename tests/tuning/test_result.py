"""The best trial, the front and the errors, by hand."""

import csv
import dataclasses
import math

import numpy as np
import pytest

from keras_seattn.tuning import Cost, ReductionHyperModel, SearchResult, TrialResult
from keras_seattn.tuning.report import plot_heat_map, plot_trade_off, write_search_report
from keras_seattn.tuning.workers import worker_environment


def trial(number, r, d, scores, gates, **options):
    settings = {
        "channel_reduction": r,
        "sequence_reduction": d,
        "attention_reduction": 8,
        "se_stages": (1, 2, 3, 4),
        "sa_stages": (3, 4),
        "learning_rate": None,
    }
    cost = Cost(gates, 100, 5_000_000, 12.5) if scores else None
    status = "completed" if scores else "failed"
    return TrialResult(number, settings, 6, status, scores, cost=cost, **options)


@pytest.fixture
def result():
    trials = [
        trial("0", 2, 1, [0.75, 1.0], 4000),
        trial("1", 4, 1, [0.875, 0.875], 2000),
        trial("2", 8, 1, [0.7, 0.7], 1000),
        trial("3", 16, 1, [0.6, 0.6], 1500),
        trial("4", 32, 1, [], 0, message="diverged in epoch 2"),
        trial("5", 16, 8, [0.5, 0.6], 500, also="the same network: d = 8, 16"),
    ]
    return SearchResult(trials, "val_top1", validation_videos=400)


def test_scores(result):
    # Standard error: standard deviation with n - 1, over the square root of n.
    assert result.trials[0].score == 0.875
    assert result.trials[0].standard_error == pytest.approx(0.125)
    assert result.trials[1].standard_error == 0
    assert math.isnan(result.trials[4].score)
    assert math.isnan(trial("6", 2, 1, [0.5], 1).standard_error)
    share = (0.875 * 400 + 2) / 404
    assert result.chance_error(result.trials[0]) == pytest.approx(
        math.sqrt(share * (1 - share) / 404)
    )


def test_of_equal_scores_the_cheaper_is_best(result):
    assert result.best.number == "1"


def test_the_front(result):
    # Trial 3 costs more than 2 and does worse; 0 costs more than 1 and is as good.
    assert [one.number for one in result.pareto_front] == ["5", "2", "1"]


def test_a_loss_is_better_when_it_is_low():
    trials = [trial("0", 2, 1, [0.8], 4000), trial("1", 4, 1, [0.3], 2000)]
    result = SearchResult(trials, "val_loss", 10)
    assert result.best.number == "1" and math.isnan(result.chance_error(trials[0]))
    assert [one.number for one in result.pareto_front] == ["1"]


def test_the_table_is_sorted_and_tells_failures(result):
    lines = str(result).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["0", "1", "2", "3", "5", "4"]
    assert "0.875 ± 0.125" in lines[1] and "5.00 M" in lines[1] and "4,000" in lines[1]
    assert lines[5].endswith("*  the same network: d = 8, 16")
    assert "failed" in lines[6] and lines[6].endswith("diverged in epoch 2")


def test_only_trials_of_the_same_length_are_compared(result):
    long = [dataclasses.replace(one, epochs=9) for one in result.trials[1:3]]
    mixed = dataclasses.replace(result, trials=[*result.trials[:1], *reversed(long)])
    assert mixed.best.number == "1" and [t.number for t in mixed.pareto_front] == ["2", "1"]
    assert [t.number for t in mixed.ranked] == ["1", "2", "0"]
    assert "9 epochs" in str(mixed).splitlines()[1] and "6 epochs" in str(mixed).splitlines()[3]


def test_a_network_without_gates_has_no_r_and_d(result, tmp_path):
    plain = trial("7", 2, 1, [0.9, 0.9], 0)
    plain.settings["se_stages"] = ()
    both = dataclasses.replace(result, trials=[*result.trials, plain])
    assert both.best is plain
    assert str(both).splitlines()[1].split()[:3] == ["7", "-", "-"]
    hypermodel = ReductionHyperModel(
        se_stages=((1, 2, 3, 4), ()),
        sa_stages=((3, 4),),
        input_shape=(16, 16, 16, 3),
        width=0.5,
    )
    with open(write_search_report(both, hypermodel, str(tmp_path)), encoding="utf-8") as file:
        assert "<h1>no gates: val_top1 90.0%</h1>" in file.read()


def test_losses_are_shown_as_losses(tmp_path):
    trials = [trial("0", 2, 1, [0.8, 0.6], 4000), trial("1", 4, 1, [], 0, message="diverged")]
    result = SearchResult(trials, "val_loss", 10)
    assert [one.number for one in result.ranked] == ["0", "1"]
    hypermodel = ReductionHyperModel(sa_stages=((3, 4),), input_shape=(16, 16, 16, 3), width=0.5)
    with open(write_search_report(result, hypermodel, str(tmp_path)), encoding="utf-8") as file:
        page = file.read()
    assert "0.700" in page and "± 0.100 over 2 executions" in page
    assert page.index(">0.700<") < page.index(">failed<")


def test_the_csv_file_holds_every_number(result, tmp_path):
    result.save_csv(tmp_path / "trials.csv")
    with open(tmp_path / "trials.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["pareto"] for row in rows] == ["False", "True", "True", "False", "False", "True"]
    assert rows[0] == {
        "trial": "0",
        "status": "completed",
        "channel_reduction": "2",
        "sequence_reduction": "1",
        "attention_reduction": "8",
        "se_stages": "1,2,3,4",
        "sa_stages": "3,4",
        "learning_rate": "",
        "epochs": "6",
        "objective": rows[0]["objective"],
        "standard_error": rows[0]["standard_error"],
        "executions": "2",
        "gate_parameters": "4000",
        "attention_parameters": "100",
        "multiply_adds": "5000000",
        "milliseconds": "12.5",
        "pareto": "False",
        "same_network_as": "",
        "message": "",
    }
    assert float(rows[0]["standard_error"]) == pytest.approx(0.125)
    assert (rows[4]["objective"], rows[4]["milliseconds"]) == ("", "")


def test_the_page_and_its_pictures(result, tmp_path, monkeypatch):
    hypermodel = ReductionHyperModel(
        channel_reductions=(2, 4, 8, 16, 32),
        sequence_reductions=(1, 8, 16),
        sa_stages=((3, 4),),
        input_shape=(16, 16, 16, 3),
        width=0.5,
    )
    drawn = {}

    def keep(figure, path, **options):
        drawn[str(path).rsplit("/", 1)[-1]] = figure
        return save(figure, path, **options)

    import matplotlib.figure

    save = matplotlib.figure.Figure.savefig
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    path = write_search_report(
        result,
        hypermodel,
        str(tmp_path),
        config={"seed": 0},
        command="python <x>",
        full="python y",
    )
    with open(path, encoding="utf-8") as file:
        page = file.read()
    for text in ("python &lt;x&gt;", "python y", "diverged in epoch 2", "0.875", "0.125"):
        assert text in page
    heat = drawn["heat_map.png"].axes[0].images[0].get_array().filled(np.nan)
    expected = np.full((5, 3), np.nan)
    expected[:4, 0] = 0.875, 0.875, 0.7, 0.6
    expected[3, 1:] = 0.55  # d = 8 and d = 16 are one network
    np.testing.assert_allclose(heat, expected)
    front = drawn["trade_off.png"].axes[0].lines[-1]
    np.testing.assert_allclose(front.get_xdata(), [600, 1100, 2100])
    np.testing.assert_allclose(front.get_ydata(), [0.55, 0.7, 0.875])
    plot_trade_off(result, tmp_path / "again.png")
    plot_heat_map(result, hypermodel, tmp_path / "again.png")


def test_workers_share_cores_and_gpus(monkeypatch):
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    second = worker_environment("worker-2", 4000, index=1, workers=3, gpus=["0", "2"], cores=16)
    assert second["KERASTUNER_TUNER_ID"] == "worker-2"
    assert (second["KERASTUNER_ORACLE_IP"], second["KERASTUNER_ORACLE_PORT"]) == (
        "127.0.0.1",
        "4000",
    )
    assert second["OMP_NUM_THREADS"] == second["TF_NUM_INTRAOP_THREADS"] == "5"
    assert second["CUDA_VISIBLE_DEVICES"] == "2"
    third = worker_environment("worker-3", 4000, index=2, workers=3, gpus=["0", "2"], cores=2)
    assert third["CUDA_VISIBLE_DEVICES"] == "0" and third["OMP_NUM_THREADS"] == "1"
    without = worker_environment("worker-1", 1, index=0, workers=1, gpus=[], cores=2)
    assert "CUDA_VISIBLE_DEVICES" not in without
