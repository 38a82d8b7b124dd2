"""A validation set by group: nothing that shares a scene is on both sides."""

import numpy as np
import pytest

from keras_seattn.data import Catalog, hold_out, load_ucf101, records, test_clips, video_group
from keras_seattn.data.groups import group_numbers
from keras_seattn.preprocessing import HARA_2018


def ucf_like(classes=5, groups=range(8, 26), videos=4):
    names = [f"Class{i}" for i in range(classes)]
    paths, labels = [], []
    for label, name in enumerate(names):
        for group in groups:
            # As in UCF-101, groups have different numbers of videos.
            for video in range(1, videos + 1 + (group * (label + 1)) % 4):
                paths.append(f"UCF-101/{name}/v_{name}_g{group:02d}_c{video:02d}.avi")
                labels.append(label)
    return Catalog(paths, labels, names)


@pytest.mark.parametrize(
    "path, group",
    [
        ("UCF-101/Archery/v_Archery_g08_c01.avi", "g08"),
        (
            "hmdb51/shake_hands/21_haende_schuetteln_shake_hands_u_cm_np2_ri_goo_0.avi",
            "21_haende_schuetteln",
        ),
        ("hmdb51/brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_1.avi", "April_09"),
        ("videos/falling/1.mp4", "videos/falling/1"),
        ("videos/falling/take.1", "videos/falling/take.1"),  # folders of frames
        ("videos/Archery/v_Archery_g08_c01", "g08"),
    ],
)
def test_groups_by_name(path, group):
    assert video_group(path) == group


def test_groups_of_ucf101_are_counted_in_each_class_and_films_over_all():
    groups, labels = ["g01", "g01", "g02", "g01", "Casablanca", "Casablanca"], [0, 0, 0, 1, 0, 1]
    names = [f"a/v_{group}_c{i}.avi" for i, group in enumerate(groups[:4])] + ["a/1.avi", "b/2.avi"]
    numbers = group_numbers(groups, labels, names)
    assert len(set(numbers)) == 4
    assert numbers[0] == numbers[1] and numbers[4] == numbers[5]
    spans = [f"{name} 0.5-2 s" for name in names]
    assert group_numbers(groups, labels, spans).tolist() == numbers.tolist()
    assert group_numbers(groups[1:4], labels[1:4], names[1:4]) is None
    given = ["1.avi", "2.avi", "3.avi"]  # A list says which belong together.
    assert len(set(group_numbers(groups[1:4], labels[1:4], given))) == 2
    assert len(set(group_numbers(groups[1:4], labels[1:4], []))) == 2
    assert group_numbers([], [], []) is None


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_whole_and_classes_keep_their_shares(seed):
    catalog = ucf_like()
    training, validation = hold_out(catalog, share=0.2, seed=seed)
    assert sorted(training.paths + validation.paths) == sorted(catalog.paths)
    assert not {video_group(p) for p in training.paths} & {video_group(p) for p in validation.paths}
    assert training.class_names == validation.class_names == catalog.class_names
    for part in (training, validation):
        for path, label in zip(part.paths, part.labels, strict=True):
            assert f"/Class{label}/" in path
    shares = np.bincount(validation.labels) / np.bincount(catalog.labels)
    assert np.all(np.abs(shares - 0.2) < 0.07), shares


def test_the_seed_decides():
    catalog = ucf_like()
    assert hold_out(catalog, seed=1)[1].paths == hold_out(catalog, seed=1)[1].paths
    assert hold_out(catalog, seed=1)[1].paths != hold_out(catalog, seed=2)[1].paths


def test_a_rare_class_is_on_both_sides():
    # One class has two videos among forty of the others.
    paths = [f"a/{i}.mp4" for i in range(40)] + ["b/40.mp4", "b/41.mp4"]
    training, validation = hold_out(Catalog(paths, [0] * 40 + [1] * 2, ["a", "b"]))
    assert list(np.bincount(training.labels))[1] == list(np.bincount(validation.labels))[1] == 1
    assert len(validation) < 22


def test_of_records_it_is_the_same_videos(tiny_ucf101, tmp_path):
    catalog = load_ucf101(*tiny_ucf101)
    records.write_records(catalog, tmp_path / "records", shards=2, workers=1)
    parts = hold_out(records.open_records(tmp_path / "records"), 0.3)
    for part, files in zip(parts, hold_out(catalog, 0.3), strict=True):
        assert part.names == files.names and part.labels.tolist() == files.labels.tolist()
        clips, same = (
            next(iter(test_clips(videos, 8, 16, 99, preprocessing=HARA_2018)))[0]["clip"].numpy()
            for videos in (part, files)
        )
        # Other clips differ by more than JPEG does.
        assert np.abs(clips - same).mean() < np.abs(clips[::-1] - same).mean() / 3


@pytest.mark.parametrize(
    "catalog, share, message",
    [
        (ucf_like(), 0, "`share` must be a number above 0 and at most 0.5"),
        (ucf_like(), 0.7, "`share` must be a number above 0 and at most 0.5"),
        (ucf_like(groups=[3]), 0.2, "'Class0' are all of one group"),
        (
            Catalog(
                ["a/v_a_g01_c01.avi", "a/v_a_g02_c01.avi", "b/v_b_g02_c01.avi", "b/v_b_g03_c01.avi",
                 "c/v_c_g03_c01.avi", "c/v_c_g01_c01.avi"],
                [0, 0, 1, 1, 2, 2],
                ["a", "b", "c"],
            ),
            0.2,
            "The 3 groups of videos .* cannot be split",
        ),
    ],
)  # fmt: skip
def test_bad_input(catalog, share, message):
    with pytest.raises(ValueError, match=message):
        hold_out(catalog, share)
