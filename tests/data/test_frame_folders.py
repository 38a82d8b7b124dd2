"""Folders of frames are videos: in every layout, to the pixel, and with what is wrong named."""

import json
import os
import shutil

import av
import numpy as np
import pytest
import tensorflow as tf
from tiny_network import TinyNetwork
from video_files import moving_pattern, write_video

from keras_seattn import predict
from keras_seattn.data import (
    Catalog,
    VideoError,
    find_videos,
    load_directory,
    load_hmdb51,
    load_kinetics,
    load_list,
    load_ucf101,
    opening,
    read_video,
    test_clips,
    train_clips,
    unreadable,
)
from keras_seattn.data.decoding import MissingFramesError, read_frames, scan_video
from keras_seattn.data.records import open_records, write_records
from keras_seattn.data.streams import stream_frames
from keras_seattn.preprocessing import CONSECUTIVE, HARA_2018, TORCHVISION, Sampling

FORM = {"frames": 8, "size": 32}


def picture(image, codec="png", pixels="rgb24"):
    """The bytes of a PNG or JPEG picture."""
    encoder = av.VideoCodecContext.create(codec, "w")
    encoder.height, encoder.width = image.shape[:2]
    encoder.pix_fmt, encoder.time_base = pixels, 1
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixels)
    return b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))


def write_frames(folder, images, name="image_{:05d}.png", first=1):
    os.makedirs(folder)
    how = ("png", "rgb24") if name.lower().endswith("png") else ("mjpeg", "yuvj420p")
    for number, image in enumerate(images, start=first):
        with open(os.path.join(folder, name.format(number)), "wb") as file:
            file.write(picture(image, *how))
    return str(folder)


def both(tmp_path, lengths=(20, 9, 5)):
    """The same videos as folders of PNG pictures, and as files encoded without loss."""
    folders, files = [], []
    for seed, length in enumerate(lengths):
        images = moving_pattern(length, seed=seed)
        folders.append(write_frames(tmp_path / "frames" / f"{seed}", images))
        files.append(
            write_video(
                tmp_path / f"{seed}.mkv", images, "libx264rgb", None, {"qp": "0"}, pixels="rgb24"
            )
        )
    labels = [seed % 2 for seed in range(len(lengths))]
    return [Catalog(paths, labels, ["a", "b"]) for paths in (folders, files)]


@pytest.mark.parametrize(
    "preprocessing",
    [
        HARA_2018,
        TORCHVISION._replace(sampling=CONSECUTIVE),
        HARA_2018._replace(sampling=Sampling(frame_stride=2)),
        HARA_2018._replace(sampling=Sampling(frames="spread")),
    ],
)
def test_png_frames_give_the_clips_of_a_video_encoded_without_loss(tmp_path, preprocessing):
    form = {**FORM, "preprocessing": preprocessing}
    tested, trained = [], []
    for catalog in both(tmp_path):
        tested += [list(test_clips(catalog, **form).as_numpy_iterator())]
        clips = train_clips(catalog, batch_size=3, seed=2, **form)
        trained += [[batch for _ in range(3) for batch in clips.as_numpy_iterator()]]
    for (ours, _), (theirs, _) in zip(*tested, strict=True):
        np.testing.assert_array_equal(ours["clip"], theirs["clip"])
        np.testing.assert_array_equal(ours["video"], theirs["video"])
    for ours, theirs in zip(*trained, strict=True):
        for part, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(part, other)
    assert len(trained[0]) == 3


def test_jpeg_frames_are_those_of_a_video_of_them(tmp_path):
    images = moving_pattern(6)
    video = write_video(tmp_path / "a.avi", images, "mjpeg", pixels="yuvj420p")
    folder = tmp_path / "frames"
    folder.mkdir()
    with av.open(video) as container:
        packets = [bytes(packet) for packet in container.demux() if packet.size]
    for number, packet in enumerate(packets):
        (folder / f"{number}.JPG").write_bytes(packet)
    np.testing.assert_array_equal(read_video(folder), read_video(video))


@pytest.mark.parametrize(
    "name, first", [("{}.png", 1), ("img_{:05d}.png", 0), ("9 take [2] é {}.PNG", 98)]
)
def test_frames_come_in_the_order_of_their_numbers(name, first, tmp_path):
    images = moving_pattern(12)
    folder = write_frames(tmp_path / "v", images, name, first)
    for other in ("n_frames", "flow_x_00001.jpg", ".hidden_1.png", "cover.jpg"):
        (tmp_path / "v" / other).write_text("12")
    video = scan_video(folder)
    assert (video.frames, video.height, video.width, video.rate) == (12, 48, 64, 0)
    np.testing.assert_array_equal(read_video(folder), images)
    np.testing.assert_array_equal(read_frames(video, [11, 0, 3]), images[[11, 0, 3]])
    timed = list(stream_frames(folder))
    assert [frame.number for frame in timed] == list(range(12)) and timed[11].start == 11 / 25


def test_frames_of_another_size_are_scaled_to_that_of_the_first(tmp_path):
    folder = write_frames(tmp_path / "v", moving_pattern(3))
    (tmp_path / "v" / "image_00004.png").write_bytes(picture(moving_pattern(1, 96, 128)[0]))
    assert read_video(folder).shape == (4, 48, 64, 3)


@pytest.mark.parametrize("damage", ["empty", "half", "noise"])
@pytest.mark.parametrize("name", ["image_{:05d}.png", "image_{:05d}.jpg"])
def test_damaged_frames_are_named_and_their_clips_left_out(name, damage, tmp_path):
    images = moving_pattern(32)
    folder = write_frames(tmp_path / "v", images, name)
    for number in (1, 20):
        path = tmp_path / "v" / name.format(number)
        content = path.read_bytes()
        half = content[: len(content) // 2]
        path.write_bytes({"empty": b"", "half": half, "noise": b"x" * 99}[damage])
    with pytest.raises(MissingFramesError, match=r"v: .*2 frames asked for.*such as 0 of 32"):
        read_frames(scan_video(folder), range(32))
    catalog = Catalog([folder], [0], ["a"])
    log = unreadable.DamageLog(catalog)
    with pytest.warns(UserWarning, match=r"v: some of its frames are damaged"):
        clips = list(test_clips(catalog, damage=log, preprocessing=HARA_2018, **FORM))
    assert log.clips == 2 and sum(len(labels) for _, labels in clips) == 2


def test_folders_that_cannot_be_read_are_named(tmp_path):
    folder = tmp_path / "v"
    write_frames(folder, moving_pattern(4))
    (folder / "depth_1.png").touch()
    with pytest.raises(VideoError, match=r"v: nobody knows which.*depth_#.png, image_#.png"):
        scan_video(folder)
    (folder / "depth_1.png").unlink()
    for path in folder.iterdir():
        path.write_bytes(b"")
    with pytest.raises(VideoError, match=r"v: none of its 4 frames can be decoded"):
        unreadable.scan_catalog(Catalog([str(folder)], [0], ["a"]))
    (tmp_path / "none").mkdir()
    with pytest.raises(VideoError, match=r"none: is a folder, not a video file, and holds no fra"):
        scan_video(tmp_path / "none")


def test_pictures_too_large_are_refused_until_more_is_allowed(tmp_path, monkeypatch):
    catalog = Catalog([write_frames(tmp_path / "v", moving_pattern(3))], [0], ["a"])
    monkeypatch.setattr(opening, "MAX_PIXELS", 1000)
    with pytest.raises(VideoError, match=r"image_00001.png: its frames have 64 x 48 pixels, more"):
        unreadable.scan_catalog(catalog)
    monkeypatch.setattr(opening, "MAX_PIXELS", 5000)
    assert unreadable.scan_catalog(catalog)[0].frames == 3


def test_missing_frames_are_told(tmp_path, recwarn):
    folder = write_frames(tmp_path / "v", moving_pattern(8))
    (tmp_path / "v" / "image_00003.png").unlink()
    with pytest.warns(UserWarning, match="between image_00002.png and image_00004.png"):
        assert scan_video(folder).frames == 7
    recwarn.clear()
    for name in os.listdir(folder):
        number = int(name[6:11])
        shutil.move(os.path.join(folder, name), tmp_path / "v" / f"f{5 * min(number, 9)}.png")
    (tmp_path / "v" / "f15.png").write_bytes(picture(moving_pattern(1)[0]))
    assert scan_video(folder).frames == 8 and not recwarn.list  # every fifth one was kept


def test_what_is_known_of_a_folder_holds_until_its_frames_change(tmp_path):
    folder = write_frames(tmp_path / "v", moving_pattern(4))
    catalog = Catalog([folder], [0], ["a"])
    assert unreadable.scan_catalog(catalog)[0].frames == 4
    shutil.copy(tmp_path / "v" / "image_00001.png", tmp_path / "v" / "image_00005.png")
    assert unreadable.scan_catalog(catalog)[0].frames == 5
    # Written anew under the same names, which changes nothing in the folder itself.
    for number in range(1, 6):
        path = tmp_path / "v" / f"image_{number:05d}.png"
        path.write_bytes(picture(moving_pattern(1, 96, 128)[0]))
    assert unreadable.scan_catalog(catalog)[0].height == 96
    (tmp_path / "v" / "image_00005.png").unlink()
    with pytest.raises(VideoError, match="v: holds 4 frames now, and held 5 before"):
        read_frames(unreadable.Video(folder, 5, 96, 128, 1.0, 0.0, False, False, ()), [0])


def test_a_prediction_is_that_for_a_video_encoded_without_loss(tmp_path, eagerly):
    model = TinyNetwork()
    model.class_names = ["a", "b"]
    found = [predict(model, catalog.paths[0]) for catalog in both(tmp_path)]
    np.testing.assert_array_equal(found[0].scores, found[1].scores)
    assert len(found[0].clips) == 3 and found[0].path == str(tmp_path / "frames" / "0")


def test_a_frame_rate_cannot_be_asked_for(tmp_path):
    folder = write_frames(tmp_path / "v", moving_pattern(9))
    preprocessing = HARA_2018._replace(sampling=Sampling(frame_rate=5))
    with pytest.raises(VideoError, match=r"v: 5 frames a second are asked for.*--frame-stride n"):
        test_clips(Catalog([folder], [0], ["a"]), preprocessing=preprocessing, **FORM)
    catalog = Catalog([folder], [0], ["a"], spans=[(0, 1)])
    with pytest.raises(VideoError, match="v: of 0 to 1 seconds: nobody knows how many frames a se"):
        unreadable.scan_catalog(catalog)


def test_records_of_folders(tmp_path):
    folders, files = both(tmp_path)
    for name, catalog in (("folders", folders), ("files", files)):
        write_records(catalog, tmp_path / name, shards=1, quality=100)
    ours, theirs = open_records(tmp_path / "folders"), open_records(tmp_path / "files")
    assert ours.paths == ["frames/0", "frames/1", "frames/2"]
    np.testing.assert_array_equal(ours.indexes[0]["crc"], theirs.indexes[0]["crc"])
    path = tmp_path / "frames" / "0" / "image_00001.png"
    path.write_bytes(picture(moving_pattern(1, seed=7)[0]))
    with pytest.warns(UserWarning, match="Videos changed since they were written"):
        write_records(folders, tmp_path / "folders", shards=1, quality=100)
    again = open_records(tmp_path / "folders")
    assert again.indexes[0]["crc"].tolist() != ours.indexes[0]["crc"].tolist()


def test_frames_on_an_object_store_are_those_on_a_disk(tmp_path):
    folder = write_frames(tmp_path / "videos" / "run" / "v", moving_pattern(9))
    for name in os.listdir(folder):
        tf.io.gfile.makedirs("ram://videos/run/v")
        tf.io.gfile.copy(os.path.join(folder, name), f"ram://videos/run/v/{name}")
    tf.io.gfile.makedirs("ram://videos/run/none")
    with pytest.warns(UserWarning, match="1 files and folders in ram://videos.*run/none"):
        catalog = load_directory("ram://videos")
    assert catalog.paths == ["ram://videos/run/v"] == find_videos("ram://videos")
    assert unreadable.scan_catalog(catalog)[0].frames == 9
    np.testing.assert_array_equal(read_video(catalog.paths[0]), read_video(folder))
    tf.io.gfile.rmtree("ram://videos")


def frames(root, *names):
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "image_00001.jpg").touch()


def test_folders_of_classes_and_all_below_a_folder(tmp_path, recwarn):
    frames(tmp_path, "run/a", "run/b.avi", "fall/c")
    (tmp_path / "run" / "d.mp4").touch()
    (tmp_path / "run" / "a" / "n_frames").touch()
    catalog = load_directory(tmp_path)
    names = ["fall/c", "run/a", "run/b.avi", "run/d.mp4"]
    assert [os.path.relpath(path, tmp_path) for path in catalog.paths] == names
    assert find_videos(tmp_path) == catalog.paths
    assert find_videos(tmp_path / "run" / "a") == [str(tmp_path / "run" / "a")]
    assert not recwarn.list
    (tmp_path / "run" / "photos").mkdir()
    (tmp_path / "run" / "photos" / "x.jpg").touch()
    with pytest.warns(UserWarning, match="1 files and folders.*photos"):
        assert len(load_directory(tmp_path)) == 4


def test_lists_that_name_files_find_folders(tmp_path):
    frames(tmp_path / "videos", "Jump/v_Jump_g01_c01", "Jump/a b", "Jump/id_000001_000011")
    (tmp_path / "videos" / "Jump" / "v_Jump_g02_c01.mp4").touch()
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "classInd.txt").write_text("1 Jump\n")
    text = "Jump/v_Jump_g01_c01.avi 1\nJump/v_Jump_g02_c01.avi 1\nJump/gone.avi 1\n"
    (lists / "trainlist01.txt").write_text(text)
    (lists / "Jump_test_split1.txt").write_text("a b.avi 1\n")
    (lists / "k.csv").write_text("label,youtube_id,time_start,time_end\nJump,id,1,11\n")
    found = load_ucf101(tmp_path / "videos", lists).paths
    found += load_hmdb51(tmp_path / "videos", lists).paths
    found += load_kinetics(tmp_path / "videos", lists / "k.csv").paths
    assert [os.path.relpath(path, tmp_path / "videos" / "Jump") for path in found] == [
        "v_Jump_g01_c01", "v_Jump_g02_c01.mp4", "gone.avi", "a b", "id_000001_000011",
    ]  # fmt: skip


def test_the_tree_and_the_annotations_of_hara(tmp_path):
    images = moving_pattern(9)
    write_frames(tmp_path / "jpg" / "Jump" / "v_Jump_g01_c01", images, "image_{:05d}.jpg")
    (tmp_path / "jpg" / "Jump" / "v_Jump_g01_c01" / "n_frames").write_text("9")
    label = {"label": "Jump", "segment": [1, 10]}
    database = {"v_Jump_g01_c01": {"subset": "training", "annotations": label}}
    path = tmp_path / "ucf101_01.json"
    path.write_text(json.dumps({"labels": ["Walk", "Jump"], "database": database}))
    catalog = load_list(path, root=tmp_path / "jpg", subset="train")
    clips = test_clips(catalog, preprocessing=HARA_2018, **FORM)
    [(inputs, labels)] = list(clips.as_numpy_iterator())
    assert inputs["clip"].shape == (2, 8, 32, 32, 3) and labels.tolist() == [1, 1]
