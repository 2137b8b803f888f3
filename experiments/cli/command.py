"""The declaration of a command, and what is made of it: its parser, help, suggestions for typos and documentation."""

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from experiments.errors import UserError, nearest, unknown

PROGRAM = "python -m experiments"
CODES = "exit codes: 0 all done, 1 something failed, 2 bad input, 3 locked by another process, 130 or 143 interrupted"
GROUPS = ("study", "runs", "data", "checks")


class Option(NamedTuple):
    """One option or argument: its names, and what `argparse` takes of it."""

    names: tuple[str, ...]
    settings: Mapping[str, Any]


def option(*names: str, **settings: Any) -> Option:
    """Declares an option or, without dashes, an argument."""
    return Option(names, settings)


@dataclasses.dataclass(frozen=True)
class Command:
    """A command, declared once."""

    name: str  # the word to type
    group: str  # one of `GROUPS`
    help: str  # its purpose in a line
    # takes the options and the command as it was typed, and returns the exit code, None for 0
    action: Callable[[argparse.Namespace, str], int | None]
    options: tuple[Option, ...] = ()  # its options, in the order of the help
    examples: tuple[tuple[str, str], ...] = ()  # what to type after its name, and for what; newcomers see the first
    more: str = ""  # further text of its help
    interrupted: str = "Interrupted."  # the message after an interruption; `{command}` stands for what was typed

    @property
    def sentence(self) -> str:
        """The purpose as a sentence."""
        return f"{self.help[0].upper()}{self.help[1:]}."

    @property
    def epilog(self) -> str:
        """The text under its help."""
        shown = f"examples:\n{_lines([(self.name, *example) for example in self.examples])}"
        return f"{self.more}\n\n{shown}" if self.more else shown


DEBUG = option("--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks")


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing the usage."""
        raise UserError(f"{message[0].upper()}{message[1:]}; see --help.")

    def options(self) -> list[str]:
        """Returns the names of its options."""
        return [word for word in self._option_string_actions if word.startswith("--")]


def parsers(commands: Sequence[Command]) -> tuple[Parser, dict[str, Parser]]:
    """Returns the parser of the program and those of its commands."""
    settings: dict[str, Any] = {"formatter_class": argparse.RawDescriptionHelpFormatter, "allow_abbrev": False}
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [-h] [--debug] COMMAND ...",
        description=f"Compare optimizers: train, tabulate, draw.\n\n{_overview(commands)}",
        epilog=f"examples:\n{_lines([(one.name, *one.examples[0]) for one in commands])}\n\n{CODES}",
        **settings,
    )
    listed: dict[str, Any] = {"dest": "command", "prog": PROGRAM, "help": argparse.SUPPRESS}
    add = parser.add_subparsers(parser_class=Parser, **listed).add_parser
    parser.add_argument(*DEBUG.names, **DEBUG.settings)
    made = {one.name: add(one.name, description=one.sentence, epilog=one.epilog, **settings) for one in commands}
    for one in commands:
        for names, given in (DEBUG, *one.options):
            made[one.name].add_argument(*names, **given)
    return parser, made


def parse(words: Sequence[str], commands: Sequence[Command]) -> argparse.Namespace | None:
    """Returns the options that were typed, `command` among them; None after help, where nothing was asked for."""
    parser, own = parsers(commands)
    first = next((word for word in words if word not in parser.options()), "-h")
    if not first.startswith("-") and first not in own:
        raise unknown("command", first, own)
    if first.startswith("-") and first != "-h":
        raise UserError(f"Options such as {first} come after the command: {', '.join(own)}.")
    given, rest = parser.parse_known_args(words)
    if given.command is None:
        parser.print_help()
        return None
    if rest:
        raise _unexpected(rest[0], own[given.command].options())
    return given


def page(commands: Sequence[Command]) -> str:
    """Returns the documentation of all commands, in Markdown."""
    lines = ["# Commands", "", f"Made by `make commands`. {CODES[0].upper()}{CODES[1:]}."]
    for group in GROUPS:
        lines += ["", f"## {group.capitalize()}"]
        for one in commands:
            if one.group == group:
                lines += _section(one)
    return "\n".join(lines) + "\n"


def _section(command: Command) -> list[str]:
    typed = _lines([(command.name, *example) for example in command.examples], indent="", comment="# ")
    lines = ["", f"### {command.name}", "", command.sentence, "", "```sh", typed, "```", ""]
    if command.more:
        lines += [*command.more.splitlines(), ""]
    shown = [one for one in command.options if one.settings.get("help") != argparse.SUPPRESS]
    if shown:
        lines += ["| option | meaning |", "|---|---|"]
    return [*lines, *(f"| `{_typed(one)}` | {one.settings['help'].replace('|', chr(92) + '|')} |" for one in shown)]


def _typed(one: Option) -> str:
    """Returns an option as it is typed, with the name of its value."""
    choices = one.settings.get("choices")
    value = one.settings.get("metavar") or ("{" + ",".join(choices) + "}" if choices else "")
    return " ".join(filter(None, [", ".join(one.names), value])).replace("|", "\\|")


def _overview(commands: Iterable[Command]) -> str:
    found = list(commands)
    width = max(len(one.name) for one in found)
    blocks = [
        "\n".join([f"{group}:", *(f"  {one.name:<{width}}  {one.help}" for one in found if one.group == group)])
        for group in GROUPS
    ]
    return "\n\n".join(blocks)


def _lines(examples: Sequence[tuple[str, str, str]], indent: str = "  ", comment: str = "") -> str:
    typed = [f"{PROGRAM} {name} {words}".strip() for name, words, _ in examples]
    width = min(max(map(len, typed)), 60)
    return "\n".join(
        f"{indent}{line:<{width}}  {comment}{why}" for line, (_, _, why) in zip(typed, examples, strict=True)
    )


def _unexpected(word: str, options: Sequence[str]) -> UserError:
    if not word.startswith("-"):
        return UserError(f"Unexpected argument '{word}'; see --help.")
    match = nearest(word.split("=")[0], options)
    hint = f"did you mean {match}?" if match else f"known are {', '.join(options)}."
    return UserError(f"Unknown option {word}: {hint}")
