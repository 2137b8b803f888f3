"""Small folders in the form of the data sets that users download, with made-up hearts in them."""

import gzip

import nibabel
import numpy as np

SHAPE = (24, 20, 4)
SPACING = (1.25, 1.5, 4.0)


def write(path, voxels, spacing=SPACING, shift=0.0):
    """Writes a volume whose axes run to the right, front and top."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*spacing, 1.0])
    affine[0, 3] = shift
    nibabel.Nifti1Image(voxels, affine).to_filename(path)


def header(path, **fields):
    """Overwrites fields of a header, whatever they then claim."""
    packed = path.name.endswith(".gz")
    raw = bytearray(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    found = nibabel.Nifti1Header(bytes(raw[:348]), check=False)
    for name, value in fields.items():
        found[name] = value
    raw[:348] = found.binaryblock
    path.write_bytes(gzip.compress(bytes(raw)) if packed else bytes(raw))


def case(image, mask, classes, seed, shape=SHAPE):
    """Writes an image and its mask: nested boxes in the middle slices, brighter inwards, in noise."""
    generator = np.random.default_rng(seed)
    labels = np.zeros(shape, np.uint8)
    for label in range(1, classes):
        labels[4 + label : -4 - label, 3 + label : -3 - label, 1:3] = label
    write(mask, labels)
    write(image, (100 * labels + generator.normal(100, 10, shape)).astype(np.float32))


def heart(folder, patients=5, shape=SHAPE):
    """Writes a folder in the form of Task02_Heart, with the litter of a Mac; returns it."""
    for number in range(patients):
        name = f"la_{number:03d}.nii.gz"
        case(folder / "imagesTr" / name, folder / "labelsTr" / name, 2, number, shape)
        (folder / "imagesTr" / f"._{name}").write_bytes(b"Mac")
    return folder


def acdc(folder, training=5, testing=0):
    """Writes a folder in the form of the ACDC database; returns it."""
    for number in range(1, training + testing + 1):
        name = f"patient{number:03d}"
        place = folder / ("training" if number <= training else "testing") / name
        for frame in (1, 9):
            stem = f"{name}_frame{frame:02d}"
            # two made-up scanners, so that sides differ
            case(place / f"{stem}.nii.gz", place / f"{stem}_gt.nii.gz", 4, number, (24 + number % 2 * 4, 20, 3))
        group = "NOR" if number % 2 else "DCM"
        (place / "Info.cfg").write_text(f"ED: 1\nES: 9\nGroup: {group}\nNbFrame: 12\n", encoding="utf-8")
    return folder


def hippocampus(folder, numbers, shape=(20, 24, 4)):
    """Writes a folder in the form of Task04_Hippocampus, of volumes with some numbers; returns it."""
    for number in numbers:
        name = f"hippocampus_{number:03d}.nii.gz"
        case(folder / "imagesTr" / name, folder / "labelsTr" / name, 3, number, shape)
    return folder
