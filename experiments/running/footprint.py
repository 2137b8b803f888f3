"""What a run took beside its seconds: memory of process and device, and what the optimizer keeps between steps."""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss: bytes on macOS, KiB on Linux


def of(program: Any, served: int, began: float) -> dict[str, Any]:
    """Returns what the record of a timing run says of itself beyond that of other runs.

    Args:
        program: the compiled training, after its last step.
        served: runs that this process had before; 0 is what the protocol asks for.
        began: when the run began, in seconds since 1970: with its end it tells whether another ran at the same time.
    """
    weights = program.model.trainable_variables
    # Counters and learning rates are single numbers for the whole, whatever the size of the model.
    state = [variable for variable in program.optimizer.variables if len(variable.shape)]
    return {
        "runs_before": served,
        "began": began,
        "ended": time.time(),
        "peak_resident_bytes": peak_resident(),
        "peak_device_bytes": peak_device(),
        "parameters": sum(_size(variable) for variable in weights),
        "state_bytes": sum(int(variable.numpy().nbytes) for variable in state),
    }


def peak_resident() -> int:
    """Returns the most bytes of memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


def _size(variable: Any) -> int:
    return int(variable.numpy().size)


def device() -> str:
    """Returns what this process trains on: `CPU`, or the name of its first GPU."""
    tf, gpus = _gpus()
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")) if gpus else "CPU"


def _gpus() -> tuple[Any, list[Any]]:
    """Returns TensorFlow, None where nothing has imported it, and the GPUs that it may use."""
    tf = sys.modules.get("tensorflow")
    return tf, tf.config.get_visible_devices("GPU") if tf else []


def peak_device() -> int | None:
    """Returns the most bytes that were held on the GPU; None where TensorFlow tells none.

    It counts for GPUs alone, and not for those of every vendor.
    """
    tf, gpus = _gpus()
    try:
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"]) if gpus else None
    except (ValueError, RuntimeError):  # of a device that does not count, such as Apple's
        return None
