"""Has pytest look for examples only where there are some: importing the rest would bring TensorFlow in, for nothing."""

from pathlib import Path

collect_ignore = [str(path) for path in Path(__file__).parent.rglob("*.py") if ">>> " not in path.read_text("utf-8")]
