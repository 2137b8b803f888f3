"""The commands: one file a group, each with its options, examples and action."""

from experiments.cli import benchmark, checks, command, data, find_lr, recorded, results, runs, solvers, study, tune

_DECLARED = (
    module.COMMANDS for module in (study, tune, recorded, results, runs, data, find_lr, checks, solvers, benchmark)
)
_BY_GROUP = sorted((one for some in _DECLARED for one in some), key=lambda one: command.GROUPS.index(one.group))
COMMANDS: tuple[command.Command, ...] = tuple(_BY_GROUP)


def page() -> str:
    """Returns the documentation of all commands, in Markdown."""
    return command.page(COMMANDS)
