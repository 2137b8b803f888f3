"""Archives that others made are unpacked inside their folder, or refused in one sentence."""

import gzip
import io
import tarfile
import tracemalloc
import zipfile

import pytest

from experiments.errors import UserError
from experiments.problems.datasets import archives, taking
from tests.experiments import hearts


def tar(path, *members):
    """Writes an archive of members (name, type, content)."""
    with tarfile.open(path, "w") as archive:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.size, member.linkname = kind, len(content), "/etc/passwd"
            archive.addfile(member, io.BytesIO(content))


def zipped(path, *members):
    """Writes an archive of members (name, mode, content)."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, mode, content in members:
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)


FILE = tarfile.REGTYPE
HOSTILE = {
    "tar_up": (tar, [("a/../../b", FILE, b"x")], "'a/../../b' leads out of the folder"),
    "tar_absolute": (tar, [("/tmp/b", FILE, b"x")], "'/tmp/b' leads out of the folder"),
    "tar_symbolic_link": (tar, [("b", tarfile.SYMTYPE, b"")], "'b' is a link or a device"),
    "tar_hard_link": (tar, [("b", tarfile.LNKTYPE, b"")], "'b' is a link or a device"),
    "tar_device": (tar, [("b", tarfile.CHRTYPE, b"")], "'b' is a link or a device"),
    "tar_twice": (tar, [("b", FILE, b"x"), ("b", FILE, b"y")], "'b' is there twice"),
    "tar_no_name": (tar, [(".", FILE, b"x")], "'.' has no name"),
    "tar_long_name": (tar, [("b" * 300, FILE, b"x")], "has too long a name"),
    "tar_file_as_folder": (tar, [("a", FILE, b"x"), ("a/b", FILE, b"y")], "'a/b' makes one name that of a file and"),
    "tar_folder_as_file": (tar, [("a/b", FILE, b"x"), ("a", FILE, b"y")], "'a' makes one name that of a file and"),
    "zip_up": (zipped, [("../b", 0o100644, b"x")], "'../b' leads out of the folder"),
    "zip_windows": (zipped, [("c:b", 0o100644, b"x")], "'c:b' leads out of the folder"),
    "zip_link": (zipped, [("b", 0o120777, b"/etc/passwd")], "'b' is a link or a device"),
    "zip_bomb": (zipped, [("b", 0o100644, bytes(250 * 2**20))], "'b' makes it hold more than a data set has"),
}


@pytest.mark.parametrize(("write", "members", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_archive_is_refused(tmp_path, write, members, words):
    """In one sentence that names the member, and nothing lands outside the folder."""
    path, folder = tmp_path / "archive", tmp_path / "in" / "here"
    write(path, *members)
    folder.mkdir(parents=True)
    with pytest.raises(UserError, match="is not opened: its member") as caught:
        archives.unpack(path, folder)
    assert words in str(caught.value)
    assert {p.name for p in tmp_path.rglob("*")} - {"a", "b"} == {"archive", "here", "in"}
    assert not (tmp_path / "b").exists()
    assert not (tmp_path / "in" / "b").exists()


def long_name(path, kind, size):
    """Writes a .tgz whose member has a name, or attributes, of some bytes."""
    name, file = tarfile.TarInfo("././@LongLink"), tarfile.TarInfo("b")
    name.type, name.size = kind, size
    with gzip.open(path, "wb") as archive:
        archive.write(name.tobuf(tarfile.GNU_FORMAT) + bytes(size) + file.tobuf() + bytes(1024))


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_name_that_fills_the_memory_is_refused_before_it_is_read(tmp_path, kind):
    """As are attributes; they are no content, so that no limit on contents holds them."""
    long_name(tmp_path / "a.tgz", kind, 2**20)
    assert archives.is_archive(tmp_path / "a.tgz")
    with pytest.raises(UserError, match=r"cannot be read: the name or the attributes of a member take 1,048,576 byt"):
        archives.read(tmp_path / "a.tgz", lambda place: True)
    long_name(tmp_path / "b.tgz", tarfile.GNUTYPE_SPARSE, 512)
    with pytest.raises(UserError, match="a member is stored as a sparse file, which is not read"):
        archives.read(tmp_path / "b.tgz", lambda place: True)


def test_too_many_folders_are_refused(tmp_path, monkeypatch):
    """Each takes a header, which compresses to nothing."""
    monkeypatch.setattr(archives, "MOST_FILES", 2)
    tar(tmp_path / "a.tar", *((f"f{n}", tarfile.DIRTYPE, b"") for n in range(3)))
    zipped(tmp_path / "a.zip", *((f"f{n}/", 0o040755, b"") for n in range(3)))
    for name in ("a.tar", "a.zip"):
        with pytest.raises(UserError, match=r"'f2/?' makes it hold more"):
            archives.read(tmp_path / name, lambda place: True)


def test_a_zip_that_lies_about_its_size_is_read_no_further(tmp_path):
    """32 MiB said to be 1,000 bytes: its check of the content fails, with little memory."""
    path = tmp_path / "a.zip"
    zipped(path, ("b", 0o100644, bytes(32 * 2**20)))
    raw = bytearray(path.read_bytes())
    entry = raw.rfind(b"PK\x01\x02") + 24
    raw[entry : entry + 4] = raw[22:26] = (1000).to_bytes(4, "little")
    path.write_bytes(raw)
    tracemalloc.start()
    with pytest.raises(UserError, match="cannot be read: Bad CRC-32 for file 'b'"):
        archives.read(path, lambda place: True)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 * 2**20  # a chunk of 1 MiB, some copies of it


def test_a_zip_in_another_way_of_compression_is_refused(tmp_path):
    """Python's `zipfile` unpacks as much of those as there is, whatever is asked for."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("b", b"x")
    with pytest.raises(UserError, match="'b' is compressed in another way than by deflate"):
        archives.read(tmp_path / "a.zip", lambda place: True)


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    """A data set has thousands of files, not millions."""
    monkeypatch.setattr(archives, "MOST_FILES", 2)
    zipped(tmp_path / "a.zip", *((f"f{n}", 0o100644, b"") for n in range(3)))
    with pytest.raises(UserError, match="'f2' makes it hold more"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out")


def test_an_archive_that_is_cut_off_is_refused(tmp_path):
    """A download that was broken off."""
    path = tmp_path / "a.tar"
    tar(path, ("a", FILE, bytes(100_000)))
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(UserError, match=r"The archive .* cannot be unpacked: "):
        archives.unpack(path, tmp_path / "out")


def test_an_archive_with_a_flipped_bit_is_refused(tmp_path):
    """Where the members are whole by their sizes, the checksum of the compression tells."""
    path, packed = tmp_path / "a.tar", tmp_path / "a.tgz"
    tar(path, ("a", FILE, bytes(range(256)) * 200))
    stored = bytearray(gzip.compress(path.read_bytes(), 0))
    stored[20_000] ^= 1
    packed.write_bytes(stored)
    with pytest.raises(UserError, match=r"cannot be unpacked: CRC check failed"):
        archives.unpack(packed, tmp_path / "out")


def test_an_archive_with_much_behind_its_end_is_refused(tmp_path, monkeypatch):
    """It is read to its end, and no further than that."""
    monkeypatch.setattr(archives, "MOST_BEHIND", 2**16)
    path = tmp_path / "a.tar"
    tar(path, ("a", FILE, b"x"))
    path.write_bytes(path.read_bytes() + bytes(2**17))
    with pytest.raises(UserError, match=r"it has more than 65,536 bytes behind its last member"):
        archives.unpack(path, tmp_path / "out")


def deb(path, *members, part="data.tar"):
    """Writes a Debian package of members (name, type, content), behind a part that is passed over."""
    inner = path.with_suffix(".part")
    tar(inner, *members)
    parts = (("debian-binary", b"2.0"), (part, inner.read_bytes()))
    inner.unlink()
    head = "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n"
    whole = b"".join(
        head.format(name, 0, 0, 0, 100644, len(c)).encode() + c + b"\n" * (len(c) % 2) for name, c in parts
    )
    path.write_bytes(archives.DEBIAN + whole)


READ = {
    "tar": lambda path: tar(path, ("./a/one", FILE, b"1"), ("b/two", FILE, b"2")),
    "deb": lambda path: deb(path, ("./a/one", FILE, b"1"), ("b/two", FILE, b"2")),
    "wheel": lambda path: zipped(path, ("a/one", 0o100644, b"1"), ("b/two", 0o100644, b"2")),
}


@pytest.mark.parametrize("write", READ.values(), ids=READ)
def test_members_are_read_by_name_and_nothing_is_written(tmp_path, write):
    """Of an archive, a wheel and a Debian package; and a folder gives the same."""
    write(tmp_path / "package")
    found = archives.read(tmp_path / "package", lambda place: place.name == "one")
    assert found == {"a/one": b"1"}
    assert [path.name for path in tmp_path.iterdir()] == ["package"]
    archives.unpack(tmp_path / "package", tmp_path / "folder")
    assert archives.read(tmp_path / "folder", lambda place: place.name == "one") == found


@pytest.mark.parametrize(
    ("members", "words"),
    [([("b", tarfile.SYMTYPE, b"")], "'b' is a link"), ([("../b", FILE, b"x")], "'../b' leads out of the folder")],
)
def test_a_hostile_debian_package_is_refused(tmp_path, members, words):
    """As other archives are."""
    deb(tmp_path / "a.deb", *members)
    with pytest.raises(UserError, match=words):
        archives.read(tmp_path / "a.deb", lambda place: True)


def test_a_debian_package_without_files_is_refused(tmp_path):
    """What it installs is in a part of its own."""
    deb(tmp_path / "a.deb", part="control.tar")
    with pytest.raises(UserError, match="cannot be read: it is a Debian package without files"):
        archives.read(tmp_path / "a.deb", lambda place: True)


@pytest.mark.parametrize("size", ["-60", "x", ""])
def test_a_debian_package_with_a_part_of_no_size_is_damaged(tmp_path, size):
    """A negative one would be passed over for ever."""
    head = "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n".format("debian-binary", 0, 0, 0, 100644, size)
    (tmp_path / "a.deb").write_bytes(archives.DEBIAN + head.encode())
    with pytest.raises(UserError, match="cannot be read: it is damaged, its part 'debian-binary' has no size"):
        archives.read(tmp_path / "a.deb", lambda place: True)


def test_a_debian_package_in_zstd_is_refused_with_the_way_out(tmp_path):
    """In one sentence, not in one for each way that its part is not compressed."""
    body = b"\x28\xb5\x2f\xfd" + bytes(60)
    head = "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n".format("data.tar.zst", 0, 0, 0, 100644, len(body))
    (tmp_path / "a.deb").write_bytes(archives.DEBIAN + head.encode() + body)
    with pytest.raises(UserError, match=r"zstd, which is not read; unpack it with dpkg-deb -x and give the folder\.$"):
        archives.read(tmp_path / "a.deb", lambda place: True)


def test_a_bomb_in_gzip_is_refused_before_it_fills_the_memory():
    """And what is no gzip at all."""
    with pytest.raises(ValueError, match="holds more than 1,000 bytes"):
        archives.gunzip(gzip.compress(bytes(10**6)), 1000)
    with pytest.raises(ValueError, match="is damaged"):
        archives.gunzip(b"no gzip", 1000)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_hearts_are_prepared_from_an_archive_as_from_a_folder(tmp_path, monkeypatch, kind):
    """What was unpacked on the way is gone afterwards."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "data"))
    folder = hearts.heart(tmp_path / "Task02_Heart", patients=3)
    path = tmp_path / f"Task02_Heart.{kind}"
    if kind == "tar":
        with tarfile.open(path, "w") as archive:
            archive.add(folder, "Task02_Heart")
    else:
        members = sorted(p for p in folder.rglob("*") if p.is_file())
        zipped(path, *((str(p.relative_to(tmp_path)), 0o100644, p.read_bytes()) for p in members))
    assert taking.take("msd_heart", path).sizes == {"train": 4, "validation": 4, "test": 4}
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["msd_heart"]
