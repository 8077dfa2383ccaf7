"""The commands: kinds of pictures, exactness, refusals, and that nothing half-written stays."""

import os

import child
import numpy as np
import pytest

from fastsample._cli import demo, warp
from fastsample._cli.images import Picture
from fastsample._cli.parser import main
from fastsample._cli.progress import progress

Image = pytest.importorskip("PIL.Image")

RNG = np.random.default_rng(7)


def raw(mode, size=(24, 24)):
    """A random picture of one of Pillow's modes."""
    width, height = size
    if mode == "1":
        return Image.fromarray(RNG.random((height, width)) < 0.5)
    if mode == "I;16":
        return Image.fromarray(RNG.integers(0, 65536, (height, width), np.uint16))
    if mode == "I":
        return Image.fromarray(RNG.integers(-(2**31), 2**31, (height, width), np.int32))
    if mode == "F":
        return Image.fromarray(RNG.normal(size=(height, width)).astype(np.float32))
    bands = Image.getmodebands(mode)
    return Image.frombytes(mode, size, RNG.bytes(width * height * bands))


KEPT = [("1", "png"), ("L", "png"), ("LA", "png"), ("RGB", "png"), ("RGBA", "png")]
KEPT += [("I;16", "png"), ("I;16", "tif"), ("I", "tif"), ("F", "tif"), ("CMYK", "tif")]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run `warp in out` on a picture in a folder of its own; what Pillow reads back."""
    monkeypatch.chdir(tmp_path)

    def call(picture, suffix, *options):
        picture.save(f"in.{suffix}")
        assert main(["warp", f"in.{suffix}", f"out.{suffix}", *options]) == 0
        assert capsys.readouterr().err == ""
        assert sorted(os.listdir()) == [f"in.{suffix}", f"out.{suffix}"]
        with Image.open(f"out.{suffix}") as image:
            image.load()
            return image

    return call


def check_refused(argv, capsys, *words):
    """The command ends with 2 and one line on stderr that holds the words."""
    assert main([str(a) for a in argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("fastsample: ")
    for word in words:
        assert word in err
    return err


class TestKinds:
    @pytest.mark.parametrize("mode", ["nearest", "bilinear"])
    @pytest.mark.parametrize(("kind", "suffix"), KEPT)
    def test_identity_copies_every_bit(self, run, kind, suffix, mode):
        picture = raw(kind, (19, 13))
        result = run(picture, suffix, "--mode", mode)
        assert result.mode == kind
        np.testing.assert_array_equal(np.asarray(result), np.asarray(picture))

    @pytest.mark.parametrize(("kind", "suffix"), KEPT)
    def test_quarter_turn_is_rot90(self, run, kind, suffix):
        picture = raw(kind)
        result = run(picture, suffix, "--rotate", "90")
        assert result.mode == kind
        np.testing.assert_array_equal(np.asarray(result), np.rot90(np.asarray(picture)))

    def test_palette_becomes_rgb_and_says_so(self, tmp_path, capsys):
        raw("RGB").quantize(16).save(tmp_path / "in.png")
        assert main(["warp", str(tmp_path / "in.png"), str(tmp_path / "out.png")]) == 0
        assert "a palette becomes 8-bit colour" in capsys.readouterr().out
        before, after = (Image.open(tmp_path / name) for name in ("in.png", "out.png"))
        with before, after:
            assert after.mode == "RGB"
            np.testing.assert_array_equal(np.asarray(before.convert("RGB")), np.asarray(after))

    def test_colour_key_becomes_alpha(self, run):
        picture = raw("RGB")
        picture.info["transparency"] = picture.getpixel((3, 4))
        result = run(picture, "png")
        assert result.mode == "RGBA"
        assert result.getpixel((3, 4))[3] == 0

    def test_orientation_is_respected(self, run):
        picture = raw("RGB", (20, 12))
        exif = Image.Exif()
        exif[0x0112] = 6  # turn clockwise to see it upright
        picture.info["exif"] = exif.tobytes()
        picture.save("in.png", exif=exif)
        assert main(["warp", "in.png", "turned.png"]) == 0
        with Image.open("turned.png") as result:
            assert result.getexif().get(0x0112, 1) == 1
            np.testing.assert_array_equal(np.asarray(result), np.rot90(np.asarray(picture), -1))

    def test_profile_is_kept(self, run):
        picture = raw("RGB")
        picture.info["icc_profile"] = b"a profile"
        assert run(picture, "png").info["icc_profile"] == b"a profile"


class TestGeometry:
    def test_shift_moves_right_and_down(self, run):
        picture = raw("L", (9, 7))
        result = np.asarray(run(picture, "png", "--shift", "2", "-1"))
        want = np.zeros((7, 9), np.uint8)
        want[:6, 2:] = np.asarray(picture)[1:, :7]
        np.testing.assert_array_equal(result, want)

    @pytest.mark.parametrize("degrees", [180, -90, 270, 360, 720, -450])
    def test_quarter_turns_are_exact(self, run, degrees):
        picture = raw("RGB", (15, 15))
        result = run(picture, "png", "--rotate", str(degrees), "--mode", "bicubic")
        want = np.rot90(np.asarray(picture), degrees // 90)
        np.testing.assert_array_equal(np.asarray(result), want)

    def test_rotation_is_counter_clockwise(self):
        right = np.array([10.0, 0.0])
        up_right = np.linalg.inv(warp.inverse_matrix(30, 1, 0)) @ right
        np.testing.assert_allclose(up_right, [10 * np.sqrt(0.75), -5])

    def test_shear_leans_the_top_to_the_right(self):
        top = np.array([0.0, -10.0])
        np.testing.assert_allclose(np.linalg.inv(warp.inverse_matrix(0, 1, 45)) @ top, [10, -10])

    def test_scale_enlarges(self, run):
        picture = Image.new("L", (21, 21))
        picture.paste(255, (8, 8, 13, 13))
        result = np.asarray(run(picture, "png", "--scale", "2", "--mode", "nearest"))
        assert 90 <= (result == 255).sum() <= 121
        assert result[10, 10] == 255

    @pytest.mark.parametrize("padding", ["border", "reflection", "wrap"])
    def test_other_borders_show_no_zeros(self, run, padding):
        picture = Image.new("L", (16, 16), 77)
        result = run(picture, "png", "--rotate", "30", "--padding", padding)
        assert np.unique(np.asarray(result)).tolist() == [77]

    def test_strips_do_not_show(self, monkeypatch):
        picture = Picture(RNG.integers(0, 256, (40, 30, 4), np.uint8), "RGBA", {})
        theta = warp.theta_of(warp.inverse_matrix(20, 1.1, 5), (40, 30), (40, 30), (0.3, -2))
        arguments = picture, warp.Map(theta, (40, 30)), warp.Look("bilinear", "reflection")
        whole = warp.warp_picture(*arguments)
        monkeypatch.setattr(warp, "STRIP", 7 * 30)
        apart = np.abs(warp.warp_picture(*arguments).astype(int) - whole)
        assert apart.max() <= 1  # a row's position is rounded where the strip begins
        assert (apart > 0).mean() < 0.01

    @pytest.mark.parametrize(("degrees", "size"), [(90, (13, 19)), (0, (19, 13)), (45, (23, 23))])
    def test_expand_holds_the_whole_picture(self, run, degrees, size):
        result = run(raw("RGB", (19, 13)), "png", "--rotate", str(degrees), "--expand")
        assert result.size == size

    def test_expanded_quarter_turns_are_exact(self, run):
        picture = raw("RGB", (19, 13))
        result = run(picture, "png", "--rotate", "90", "--expand")
        np.testing.assert_array_equal(np.asarray(result), np.rot90(np.asarray(picture)))

    def test_size_is_about_the_centre(self, run):
        picture = raw("RGB", (19, 13))
        result = run(picture, "png", "--size", "9", "5")
        np.testing.assert_array_equal(np.asarray(result), np.asarray(picture)[4:9, 5:14])


FILLS = {"RGB": [255, 210, 63], "L": 207, "I;16": 207 * 257, "RGBA": [255, 210, 63, 255]}


class TestValues:
    @pytest.mark.parametrize("kind", FILLS)
    def test_fill_is_a_colour(self, run, kind):
        result = run(raw(kind), "png", "--shift", "30", "0", "--fill", "#ffd23f")
        assert (np.asarray(result)[5, 5] == FILLS[kind]).all()

    def test_fill_is_numbers(self, run):
        result = run(raw("RGB"), "png", "--shift", "30", "0", "--fill", "1,2,3")
        assert result.getpixel((5, 5)) == (1, 2, 3)

    def test_flatten(self, run):
        pixels = np.zeros((8, 8, 4), np.uint8)
        pixels[:, :4] = 200, 100, 50, 255
        result = run(Image.fromarray(pixels), "png", "--flatten", "white")
        assert result.mode == "RGB"
        assert result.getpixel((1, 1)) == (200, 100, 50)
        assert result.getpixel((6, 1)) == (255, 255, 255)

    def test_quality(self, tmp_path):
        raw("RGB", (64, 64)).save(tmp_path / "in.png")
        sizes = []
        for quality in ("20", "95"):
            out = tmp_path / f"{quality}.jpg"
            assert main(["warp", str(tmp_path / "in.png"), str(out), "--quality", quality]) == 0
            sizes.append(out.stat().st_size)
        assert sizes[0] < sizes[1] / 2

    def test_rounds_half_to_even(self, run):
        picture = Image.fromarray(np.array([[0, 1, 2, 3, 4]], np.uint8))
        result = run(picture, "png", "--shift", "0.5", "0", "--padding", "border")
        assert np.asarray(result).tolist() == [[0, 0, 2, 2, 4]]

    @pytest.mark.parametrize("kind", ["L", "I;16"])
    def test_overshoot_saturates(self, run, kind):
        top = 255 if kind == "L" else 65535
        stripes = np.tile(np.repeat([0, top], 4), 3)[None].repeat(24, 0)
        picture = Image.fromarray(stripes.astype(np.uint8 if kind == "L" else np.uint16))
        result = np.asarray(run(picture, "png", "--shift", "0.5", "0", "--mode", "bicubic"))
        inner = result[4:-4, 4:-4]
        assert set(np.unique(inner)) == {0, top // 2 + 1, top}

    def test_transparent_pixels_lend_no_colour(self, run):
        pixels = np.zeros((16, 16, 4), np.uint8)
        pixels[:, :8] = 200, 100, 50, 255
        result = np.asarray(run(Image.fromarray(pixels), "png", "--shift", "0.5", "0"))
        assert result[5, 8].tolist() == [200, 100, 50, 128]

    def test_colours_under_full_transparency_survive(self, run):
        pixels = RNG.integers(0, 256, (12, 12, 4)).astype(np.uint8)
        pixels[..., 3] = 0
        result = run(Image.fromarray(pixels), "png")
        np.testing.assert_array_equal(np.asarray(result), pixels)

    @pytest.mark.parametrize("padding", ["zeros", "border", "reflection", "wrap"])
    @pytest.mark.parametrize("shift", ["1e30", "-1e300"])
    def test_enormous_shifts_end_well(self, run, padding, shift):
        run(raw("RGBA"), "png", "--shift", shift, "0", "--padding", padding)


class TestRefusals:
    @pytest.fixture
    def picture(self, tmp_path):
        raw("RGB").save(tmp_path / "in.png")
        return tmp_path / "in.png"

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--scale", "0"], ["--scale", "above 0", "'0'"]),
            (["--scale", "-2"], ["--scale", "above 0"]),
            (["--scale", "nan"], ["--scale", "finite", "'nan'"]),
            (["--rotate", "inf"], ["--rotate", "finite"]),
            (["--rotate", "ten"], ["--rotate", "finite", "'ten'"]),
            (["--shift", "1"], ["--shift", "2 arguments"]),
            (["--shift", "1", "inf"], ["--shift", "finite"]),
            (["--shear", "90"], ["--shear", "between -90 and 90"]),
            (["--mode", "cubic"], ["--mode", "'cubic'", "bicubic"]),
            (["--padding", "mirror"], ["--padding", "'mirror'", "reflection"]),
            (["--padding", "constant"], ["--fill"]),
            (["--padding", "wrap", "--fill", "white"], ["--fill", "--padding wrap"]),
            (["--fill", "nocolour"], ["--fill", "#ffd23f", "'nocolour'"]),
            (["--flatten", "nocolour"], ["--flatten", "'nocolour'"]),
            (["--size", "0", "4"], ["--size", "above 0"]),
            (["--size", "4", "4", "--expand"], ["--expand", "--size"]),
            (["--quality", "101"], ["--quality", "at most 100"]),
            (["--quality", "50"], ["--quality", ".jpg"]),
            (["--zoom", "2"], ["--zoom"]),
        ],
        ids=" ".join,
    )
    def test_bad_option(self, picture, options, words, capsys):
        out = picture.with_name("out.png")
        check_refused(["warp", picture, out, *options], capsys, *words)
        assert not out.exists()

    def test_missing_input(self, tmp_path, capsys):
        missing = tmp_path / "none.png"
        check_refused(["warp", missing, tmp_path / "o.png"], capsys, str(missing), "No such file")

    def test_input_is_a_folder(self, tmp_path, capsys):
        check_refused(["warp", tmp_path, tmp_path / "o.png"], capsys, "cannot read")

    @pytest.mark.parametrize("content", [b"", b"not an image"])
    def test_input_is_no_image(self, tmp_path, capsys, content):
        path = tmp_path / "in.png"
        path.write_bytes(content)
        check_refused(["warp", path, tmp_path / "o.png"], capsys, "cannot read", "in.png")

    @pytest.mark.parametrize("kept", [0.3, 0.9])
    @pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "gif", "bmp"])
    def test_truncated_input(self, tmp_path, capsys, suffix, kept):
        path = tmp_path / f"in.{suffix}"
        raw("RGB", (64, 64)).save(path)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
        check_refused(["warp", path, tmp_path / "o.png"], capsys, "cannot read", str(path))
        assert os.listdir(tmp_path) == [path.name]

    @pytest.mark.parametrize("name", ["out", "out.", "out.xyz", "out.png.bak"])
    def test_unknown_suffix(self, picture, name, capsys):
        check_refused(["warp", picture, picture.with_name(name)], capsys, "suffix", ".png")

    def test_missing_folder(self, picture, capsys):
        check_refused(["warp", picture, picture.parent / "no" / "o.png"], capsys, "no folder")

    def test_output_is_a_folder(self, picture, capsys):
        (picture.parent / "o.png").mkdir()
        check_refused(["warp", picture, picture.parent / "o.png"], capsys, "not a regular file")

    def test_format_without_alpha_leaves_the_old_file(self, tmp_path, capsys):
        raw("RGBA").save(tmp_path / "in.png")
        old = tmp_path / "out.jpg"
        old.write_bytes(b"old")
        words = "cannot write", "JPEG", "opacity", "--flatten white"
        check_refused(["warp", tmp_path / "in.png", old], capsys, *words)
        assert old.read_bytes() == b"old"
        assert sorted(os.listdir(tmp_path)) == ["in.png", "out.jpg"]

    @pytest.mark.parametrize(
        ("kind", "came", "out", "remedy"),
        [
            ("I;16", "png", "jpg", ".png or .tif"),
            ("CMYK", "jpg", "png", ".jpg or .tif"),
            ("F", "tif", "png", ".tif"),
        ],
    )
    def test_a_refusal_names_what_fits(self, tmp_path, capsys, kind, came, out, remedy):
        raw(kind).save(tmp_path / f"in.{came}")
        argv = ["warp", tmp_path / f"in.{came}", tmp_path / f"out.{out}"]
        check_refused(argv, capsys, "cannot write", f"write {remedy}")

    def test_a_huge_picture(self, picture, capsys, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
        out = picture.with_name("out.png")
        check_refused(["warp", picture, out], capsys, "million pixels", "--huge")
        assert main(["warp", str(picture), str(out), "--huge"]) == 0
        assert Image.MAX_IMAGE_PIXELS == 100

    def test_unknown_command(self, capsys):
        check_refused(["paint"], capsys, "paint", "warp")

    @pytest.mark.parametrize("name", ["x.xyz", "no/x.png"])
    def test_demo_output(self, tmp_path, name, capsys):
        pytest.importorskip("matplotlib")
        check_refused(["demo", "--output", tmp_path / name], capsys, "cannot write")

    def test_demo_photo_is_missing(self, tmp_path, capsys):
        pytest.importorskip("matplotlib")
        argv = ["--photo", tmp_path / "none.jpg", "--output", tmp_path / "x.png"]
        check_refused(argv, capsys, "cannot read", "none.jpg")
        assert os.listdir(tmp_path) == []

    def test_demo_photo_is_tiny(self, tmp_path, capsys):
        pytest.importorskip("matplotlib")
        raw("RGB", (9, 90)).save(tmp_path / "in.png")
        check_refused(["demo", "--photo", tmp_path / "in.png"], capsys, "64 x 64")


def test_output_may_be_the_input(tmp_path):
    path = tmp_path / "a.png"
    picture = raw("RGB")
    picture.save(path)
    path.chmod(0o640)
    assert main(["warp", str(path), str(path), "--rotate", "180"]) == 0
    with Image.open(path) as result:
        np.testing.assert_array_equal(np.asarray(result), np.rot90(np.asarray(picture), 2))
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_is_written_through(tmp_path):
    raw("L").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"")
    (tmp_path / "link.png").symlink_to(tmp_path / "b.png")
    assert main(["warp", str(tmp_path / "a.png"), str(tmp_path / "link.png")]) == 0
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "b.png").stat().st_size > 0


def process(*arguments, **options):
    """`python -m fastsample` in a process of its own."""
    return child.run(["-m", "fastsample", *arguments], **options)


@pytest.mark.parametrize("photo", [False, True])
def test_demo(tmp_path, photo):
    pytest.importorskip("matplotlib")
    raw("RGB", (90, 70)).save(tmp_path / "in.png")
    options = ["--photo", "in.png", "--output", "x.jpg"] if photo else []
    done = process(*options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for word in ("rotation", "swirl", "lens distortion", "nearest", "bicubic", "B-spline"):
        assert word in done.stdout
    name = "x.jpg" if photo else "fastsample-demo.png"
    assert name in done.stdout
    assert sorted(os.listdir(tmp_path)) == sorted(["in.png", name])
    with Image.open(tmp_path / name) as picture:
        assert min(picture.size) > 500


def test_demo_keeps_gray_of_16_bits(tmp_path):
    pytest.importorskip("matplotlib")
    values = np.arange(0, 64 * 80 * 12, 12, dtype=np.uint16).reshape(64, 80)
    Image.fromarray(values).save(tmp_path / "in.png")
    planes, _ = demo.load(tmp_path / "in.png")
    np.testing.assert_allclose(planes, np.broadcast_to(values / 257, (3, 64, 80)), rtol=1e-6)


@pytest.mark.skipif(os.name == "nt", reason="no resource module")
def test_memory_is_within_three_times_the_pictures(tmp_path):
    """Of a picture so large that the rest is small; its kernels have run once by then."""
    size = 3000, 2600
    Image.new("RGB", size, "teal").save(tmp_path / "in.bmp")
    raw("RGB").save(tmp_path / "small.png")
    source = """if True:
        import resource
        from fastsample._cli.parser import main
        most = lambda: 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert main(["warp", "small.png", "small.png", "--rotate", "5"]) == 0
        before = most()
        assert main(["warp", "in.bmp", "out.bmp", "--rotate", "5"]) == 0
        print(most() - before)
    """
    done = child.run(["-c", source], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 3 * 3 * size[0] * size[1]


def test_info():
    done = process("info")
    assert done.returncode == 0, done.stderr
    facts = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    names = "fastsample numpy numba llvmlite python threads layer CPU cache"
    assert list(facts) == names.split()
    assert facts["numpy"] == np.__version__


def test_a_log_has_few_lines(capsys):
    """Where there is no terminal: the first step at once, others when it has been quiet."""
    with progress(log=True) as show:
        for k in range(9):
            show(f"{k} of 9 kernels", 9)
    assert capsys.readouterr().err == "0 of 9 kernels after 0 s\n"
    with progress(9) as show:
        show("nobody reads this")
    assert capsys.readouterr().err == ""


def test_a_refusal_is_one_line_and_status_2(tmp_path):
    done = process("warp", "none.png", "o.png", "--scale", "0", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("command", [[], ["warp", "a.png", "b.png"]])
def test_missing_extra(tmp_path, command):
    blocked = tmp_path / "site"
    blocked.mkdir()
    (blocked / "PIL.py").write_text("raise ImportError('not here')")
    path = os.pathsep.join([str(blocked), child.environment()["PYTHONPATH"]])
    done = process(*command, cwd=tmp_path, PYTHONPATH=path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "this command needs pillow" in done.stderr
    assert "pip install pillow" in done.stderr
    assert "(the extra 'demo')" in done.stderr


def test_help_names_the_commands():
    done = process("--help")
    assert done.returncode == 0
    for command in ("demo", "warp", "info"):
        assert command in done.stdout
