"""Clips of every n-th frame, of so many a second, spread over a video: everywhere the same ones."""

import json
import pathlib

import keras
import numpy as np
import pytest
from tiny_network import TinyNetwork
from video_files import moving_pattern, write_damaged, write_video

import keras_seattn
from keras_seattn.data import Catalog, VideoError, test_clips, train_clips
from keras_seattn.data.decoding import read_frames, scan_video
from keras_seattn.data.index import Index
from keras_seattn.data.records import write_records
from keras_seattn.data.sampling import ClipRule, Timeline
from keras_seattn.evaluation import evaluate
from keras_seattn.prediction import videos
from keras_seattn.preprocessing import HARA_2018, Sampling

FIFTEEN, SPREAD = Sampling(frame_rate=15), Sampling("spread")
STRIDE = Sampling(frame_stride=3)
RULES = [FIFTEEN, STRIDE, SPREAD, Sampling(frame_rate=40)]


def as_trained(sampling):
    return HARA_2018._replace(sampling=sampling)


def pixels(dataset):
    """The clips of a data set, as uint8."""
    mean = np.array(HARA_2018.mean, "float32")
    batches = [x["clip"] if isinstance(x, dict) else x for x, _ in dataset.as_numpy_iterator()]
    return np.round(np.concatenate(batches) + mean).astype("uint8")


def lossless(path, images, **options):
    return write_video(path, images, "libx264rgb", pixels="rgb24", options={"crf": "0"}, **options)


def uneven(path, images):
    """Frames that last one, two or five 25ths of a second."""
    lengths = np.resize([1, 1, 2, 1, 5, 2, 2], len(images))
    return lossless(path, images, times=np.cumsum(lengths) - lengths), lengths


@pytest.fixture
def catalog(tmp_path):
    """Videos of 24, 25 and 60 frames a second, and one of no constant rate."""
    (tmp_path / "a").mkdir()
    paths = [
        lossless(tmp_path / "a" / f"{rate}.mp4", moving_pattern(2 * rate, 24, 24), rate=rate)
        for rate in (24, 25, 60)
    ]
    paths.append(uneven(tmp_path / "a" / "uneven.mp4", moving_pattern(41, 24, 24))[0])
    return Catalog(paths, [0] * 4, ["a", "b"])


def test_the_same_scene_at_other_rates_gives_the_same_clips(tmp_path):
    """Of a scene in 60 frames a second, every second and fourth; and some of them, as they come."""
    scene = moving_pattern(120, 24, 24)
    paths = [
        lossless(tmp_path / f"{step}.mp4", scene[::step], rate=60 // step) for step in (1, 2, 4)
    ]
    shown = np.unique(np.r_[0:120:4, np.random.default_rng(0).integers(0, 120, 20)])
    paths.append(lossless(tmp_path / "uneven.mkv", scene[shown], times=shown, rate=60))
    assert scan_video(paths[0]).times is None and scan_video(paths[3]).times is not None
    clips = [
        pixels(test_clips(Catalog([path], [0], ["a"]), 8, 24, preprocessing=as_trained(FIFTEEN)))
        for path in paths
    ]
    assert clips[0].shape == (4, 8, 24, 24, 3)
    for other in clips[1:]:
        np.testing.assert_array_equal(other, clips[0])
    np.testing.assert_array_equal(clips[0][0], scene[0:32:4])


@pytest.mark.parametrize("sampling", RULES, ids=str)
def test_files_records_and_predictions_take_the_same_frames(catalog, sampling, tmp_path):
    preprocessing, rule = as_trained(sampling), ClipRule(8, sampling)
    found = pixels(test_clips(catalog, 8, 24, 3, preprocessing=preprocessing))
    expected = []
    for path in catalog.paths:
        video = scan_video(path)
        line = Timeline.of(video)
        expected += [read_frames(video, rule.clip(line, i)) for i in range(rule.count(line))]
    np.testing.assert_array_equal(found, expected)
    # Records, whose frames are JPEG images of their own.
    folder = str(tmp_path / "records")
    write_records(catalog, folder, shards=1, quality=100)
    of_records = pixels(test_clips(folder, 8, 24, 3, preprocessing=preprocessing))
    assert len(of_records) == len(found)
    assert np.abs(of_records.astype(int) - found).mean() < 6
    model = TinyNetwork(input_shape=(8, 24, 24, 3))
    model.preprocessing = preprocessing
    clips = [clip for path in catalog.paths for clip, _ in videos.video_clips(model, path)]
    np.testing.assert_array_equal(np.round(np.stack(clips) + HARA_2018.mean), found)


@pytest.mark.parametrize("sampling", [FIFTEEN, STRIDE, Sampling(frame_rate=40)], ids=str)
def test_streams_give_the_clips_of_files(catalog, sampling, monkeypatch):
    model = TinyNetwork(input_shape=(8, 24, 24, 3))
    model.preprocessing = as_trained(sampling)
    for path in catalog.paths:
        of_file = list(videos.video_clips(model, path))
        with monkeypatch.context() as patch:
            patch.setattr(videos, "is_stream", lambda source: True)
            of_stream = list(videos.video_clips(model, path))
        assert abs(len(of_file) - len(of_stream)) <= 1  # by how long the last frame lasts
        for (clip, frames), (other, others) in zip(of_file[:-1], of_stream, strict=False):
            np.testing.assert_array_equal(clip, other)
            np.testing.assert_allclose([f.start for f in frames], [f.start for f in others])


def test_spread_clips_cannot_come_from_a_stream():
    model = TinyNetwork()
    model.preprocessing = as_trained(SPREAD)
    with pytest.raises(ValueError, match=r"a stream has no end.*Record it"):
        next(videos.video_clips(model, "lavfi:testsrc=duration=1:size=64x48:rate=10"))


def test_times_of_clips_rise_where_frames_are_shown_again(tmp_path):
    path = lossless(tmp_path / "v.mp4", moving_pattern(10, 24, 24), rate=10)
    model = TinyNetwork(input_shape=(8, 24, 24, 3))
    model.preprocessing = as_trained(Sampling(frame_rate=20))
    frames = [frame for _, frames in videos.video_clips(model, path) for frame in frames]
    np.testing.assert_allclose([frame.start for frame in frames], np.arange(20) / 20, atol=1e-3)
    assert [frame.number for frame in frames] == [i // 2 for i in range(20)]


@pytest.mark.parametrize("sampling", RULES, ids=str)
def test_training_takes_frames_by_the_rule(catalog, sampling):
    options = {"preprocessing": as_trained(sampling), "crop_scales": [1.0], "batch_size": 4}
    clips = train_clips(catalog, 8, 24, seed=3, **options)
    found = pixels(clips)
    rule, number = ClipRule(8, sampling), 0
    for opening in range(4):
        video, planned = next(clips.plan.candidates(opening))
        numbers, crop = next(planned)
        file = scan_video(catalog.paths[video])
        line = Timeline.of(file)
        # A clip of the rule, wherever it starts.
        if sampling == STRIDE:
            assert np.all(np.diff(numbers) == 3)
        elif sampling == SPREAD:
            assert np.array_equal(numbers * 8 // line.frames, np.arange(8))
        else:
            times = np.arange(line.frames) / line.rate if line.times is None else line.times
            shown, wanted = times[numbers] - times[numbers[0]], np.arange(8) / sampling.frame_rate
            assert np.all(shown <= wanted + 1e-3)
            later = times[np.minimum(numbers + 1, line.frames - 1)] - times[numbers[0]]
            assert np.all((later > wanted - 1e-3) | (numbers == line.frames - 1))
        expected = read_frames(file, numbers, flip=crop.flip)
        np.testing.assert_array_equal(found[number], expected)
        number += 1
    assert number == len(found) and rule.frames == 8


def test_times_are_kept_for_files_of_variable_rate_only(tmp_path):
    path, lengths = uneven(tmp_path / "uneven.mp4", moving_pattern(30, 24, 24))
    even = lossless(tmp_path / "even.mkv", moving_pattern(30, 24, 24), rate=30)  # ms, rounded
    index = Index(str(tmp_path / "index.npz"))
    for file in (even, path, even + ".none"):
        found = VideoError("no file") if file.endswith("none") else scan_video(file)
        index.put(file, pathlib.Path(path).stat(), found)
    index.save()
    kept = Index(index.path)
    assert kept.get(even, pathlib.Path(path).stat()) == scan_video(even)
    video = kept.get(path, pathlib.Path(path).stat())
    assert video == scan_video(path) and scan_video(even).times is None
    np.testing.assert_allclose(video.times, (np.cumsum(lengths) - lengths) / 25)
    assert video.rate == pytest.approx(29 / video.times[-1])


def test_records_of_damaged_videos_keep_the_times_of_the_frames_that_are_left(tmp_path):
    (tmp_path / "a").mkdir()
    path = write_damaged(tmp_path / "a" / "v.avi", moving_pattern(20, 48, 64), [9, 10, 12])
    catalog = Catalog([path], [0], ["a"])
    with pytest.warns(UserWarning, match="some of its frames are damaged"):
        write_records(catalog, tmp_path / "records")
    manifest = json.loads((tmp_path / "records" / "manifest.json").read_text())
    ((_, _, frames, rate, times, _),) = manifest["shards"][0]["videos"]
    kept = [number for number in range(20) if number not in (9, 10, 12)]
    assert frames == 17 and rate == pytest.approx(16 / (19 / 25))
    np.testing.assert_allclose(times, np.array(kept) / 25)


def test_records_without_times_say_so(catalog, tmp_path):
    folder = tmp_path / "records"
    write_records(catalog, folder, shards=1)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["version"] = 1
    for shard in manifest["shards"]:
        shard["videos"] = [video[:3] for video in shard["videos"]]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert len(pixels(test_clips(str(folder), 8, 24, preprocessing=as_trained(STRIDE))))
    for make in (train_clips, test_clips):
        with pytest.raises(VideoError, match=r"15 frames a second.*4 of 4.*write the records"):
            make(str(folder), 8, 24, 2, preprocessing=as_trained(FIFTEEN))


def test_evaluation_names_the_views_and_means_over_them(catalog):
    model = TinyNetwork(input_shape=(8, 16, 16, 3))
    model.preprocessing, model.class_names = as_trained(STRIDE), ["a", "b"]
    result = evaluate(model, catalog, clips_per_video=4, crops=3, progress=False)
    assert result.clip_counts.tolist() == [12] * 4
    assert result.views == "4 clips of frames 3 apart, 3 crops"
    clips = test_clips(
        catalog, 8, 16, 7, preprocessing=model.preprocessing, clips_per_video=4, crops=3
    )
    scores, owners = [], []
    for inputs, _ in clips:
        scores.append(model.predict_on_batch(inputs["clip"]))
        owners.append(inputs["video"])
    scores, owners = np.concatenate(scores), np.concatenate(owners)
    means = [scores[owners == video].mean(axis=0) for video in range(4)]
    np.testing.assert_allclose(result.scores, means, atol=1e-6)
    assert (
        evaluate(model, catalog, progress=False).views == "all clips of frames 3 apart, centre crop"
    )


def test_three_crops_of_a_wide_video_are_its_parts(tmp_path):
    images = moving_pattern(8, 24, 48)
    catalog = Catalog([lossless(tmp_path / "wide.mp4", images)], [0], ["a"])
    found = pixels(test_clips(catalog, 8, 24, preprocessing=HARA_2018, crops=3))
    for clip, left in zip(found, (0, 12, 24), strict=True):
        np.testing.assert_array_equal(clip, images[:, :, left : left + 24])
    for wrong in ({"crops": 2}, {"clips_per_video": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            test_clips(catalog, 8, 24, preprocessing=HARA_2018, **wrong)


@pytest.mark.parametrize("of_records", [False, True])
def test_several_clips_are_cut_out_of_a_video_that_is_opened_once(catalog, of_records, tmp_path):
    source = catalog
    if of_records:
        source = str(tmp_path / "records")
        write_records(catalog, source, shards=1, quality=100)
    options = {"preprocessing": HARA_2018, "batch_size": 4, "seed": 1, "clips_per_open": 2}
    clips = train_clips(source, 8, 24, crop_scales=[1.0], **options)
    epoch = list(clips.as_numpy_iterator())
    assert len(epoch) == 2 and clips.steps(0) == range(2) and len(epoch[0][0]) == 4
    found = np.round(np.concatenate([x for x, _ in epoch]) + HARA_2018.mean)
    videos_seen = []
    for opening in range(4):
        video, planned = next(clips.plan.candidates(opening))
        videos_seen.append(video)
        for place in (0, 1):
            numbers, crop = next(planned)
            names = sorted(range(4), key=lambda i: catalog.names[i])
            file = catalog.paths[names[video] if of_records else video]
            expected = read_frames(scan_video(file), numbers, flip=crop.flip)
            difference = np.abs(found[2 * opening + place] - expected)
            assert difference.mean() < 6 if of_records else difference.max() == 0
    assert sorted(videos_seen) == [0, 1, 2, 3]
    # Begun in the middle, the same; and other numbers are refused.
    later = train_clips(source, 8, 24, crop_scales=[1.0], first_step=1, **options)
    (clip, _) = next(later.as_numpy_iterator())
    np.testing.assert_array_equal(clip, epoch[1][0])
    with pytest.raises(ValueError, match="`batch_size` must be a multiple of `clips_per_open`"):
        train_clips(source, 8, 24, **{**options, "clips_per_open": 3})


def test_clips_of_one_opening_that_touch_damage_are_drawn_anew(tmp_path):
    path = write_damaged(tmp_path / "v.avi", moving_pattern(40, 24, 24), [20])
    catalog = Catalog([path] * 2, [0, 0], ["a"])
    options = {"preprocessing": HARA_2018, "batch_size": 8, "seed": 0, "crop_scales": [1.0]}
    clips = train_clips(catalog, 8, 24, clips_per_open=4, **options)
    with pytest.warns(UserWarning, match="some of its frames are damaged"):
        found = np.concatenate([pixels(clips) for _ in range(3)])
    whole = np.stack([read_frames(scan_video(path), [i])[0] for i in range(40) if i != 20])

    def nearest(frame):
        return np.abs(whole.astype(int) - frame).mean(axis=(1, 2, 3)).argmin()

    for clip in found:
        places = [[nearest(frame) for frame in side] for side in (clip, clip[:, :, ::-1])]
        assert any(np.all(np.diff(numbers) == 1) for numbers in places)


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_the_sampling_travels_with_a_model(suffix, tmp_path):
    model = keras_seattn.applications.SEAResNet18_3D(
        input_shape=(4, 16, 16, 3), classes=2, width=0.1
    )
    before = json.dumps(model.get_config()["preprocessing"])
    assert before == "[[114.7748, 107.7354, 99.475], [1.0, 1.0, 1.0]]"  # as older versions read it
    model.preprocessing = as_trained(FIFTEEN)
    assert keras.models.clone_model(model).preprocessing.sampling == FIFTEEN
    path = str(tmp_path / f"model{suffix}")
    if suffix == ".keras":
        model.save(path)
        assert keras.models.load_model(path).preprocessing == as_trained(FIFTEEN)
    else:
        model.save_weights(path)
    again = keras_seattn.applications.SEAResNet18_3D(
        weights=path, input_shape=(4, 16, 16, 3), classes=2, width=0.1
    )
    assert again.preprocessing == as_trained(FIFTEEN)


@pytest.mark.parametrize(
    "wrong",
    [
        ("some", 1, None), ("spread", 2, None), ("consecutive", 0, None), ("consecutive", 2, 15.0),
        ("consecutive", 1, -1.0), ("consecutive", 1, float("nan")), ("consecutive", 1.5, None), 7,
    ],
)  # fmt: skip
def test_what_is_no_sampling_is_refused(wrong):
    with pytest.raises(ValueError, match="`sampling` must be Sampling"):
        Sampling.checked(wrong)
