"""Pages of the public names: signature and docstring, as `help` shows them."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import tfoptim
from docs.pages.docstrings import markdown
from tfoptim import callbacks, declaration, schedules, solvers, training
from tfoptim.registry import WRAPPERS, classes

Name = tuple[str, Any]  # with its module, and what it names
BASES = (tfoptim.Optimizer, callbacks.Condition, solvers.Method)  # whose methods their subclasses have as well


def of(module: Any) -> list[Name]:
    """Returns the public names of a module, sorted."""
    return [(f"{module.__name__}.{name}", getattr(module, name)) for name in sorted(module.__all__, key=str.lower)]


def shown() -> dict[str, tuple[str, list[Name]]]:
    """Returns the pages by file name: title, and the names on it; every public name has one place."""
    wrappers = [(f"tfoptim.{name}", cls) for name, cls in WRAPPERS.items()]
    pages = {
        "optimizer": ("The base of every optimizer", [("tfoptim.Optimizer", tfoptim.Optimizer)]),
        "wrappers": ("Wrappers: optimizers made of optimizers", wrappers),
        "schedules": ("Schedules", of(schedules)),
        "callbacks": ("Callbacks and stopping conditions", of(callbacks)),
        "training": ("Training by rules that need the loss", of(training)),
        "solvers": ("Solvers: the whole loss", of(solvers)),
        "declaration": ("What an optimizer's class declares", of(declaration)),
    }
    placed = {id(thing) for _, names in pages.values() for _, thing in names} | {id(c) for c in classes().values()}
    others = [(name, thing) for name, thing in of(tfoptim) if callable(thing) and id(thing) not in placed]
    return {"functions": ("Functions", others), **pages}


def page(title: str, names: Iterable[Name]) -> str:
    """Returns a page with an entry for each name."""
    return "\n\n".join([f"# {title}", *(entry(name, thing) for name, thing in names)]) + "\n"


def entry(name: str, thing: Any) -> str:
    """Returns the entry of a class, function or constant."""
    if isinstance(thing, type):
        inner = [documented(thing), *(method(attribute, found) for attribute, found in methods(thing))]
        return directive("class", f"{name}{signature(thing)}", "\n\n".join(inner), colons=4)
    if inspect.isfunction(thing):
        return directive("function", f"{name}{signature(thing)}", documented(thing))
    return directive("data", name, "" if callable(thing) else f"`{thing!r}`")


def method(name: str, found: Any) -> str:
    """Returns the entry of a method."""
    shown = signature(found, bound=not isinstance(found, classmethod | staticmethod))
    return directive("method", f"{name}{shown}", documented(found))


def methods(cls: type) -> list[Name]:
    """Returns the documented methods of a class, sorted; those of a base that has an entry are shown there."""
    found: dict[str, Any] = {}
    elsewhere = {base for public in BASES if cls is not public and issubclass(cls, public) for base in public.__mro__}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("tfoptim") and base not in elsewhere:
            found |= {name: value for name, value in vars(base).items() if _is_method(name, value)}
    return sorted(found.items())


def _is_method(name: str, value: Any) -> bool:
    plain = inspect.isfunction(value) or isinstance(value, classmethod | staticmethod)
    return plain and not name.startswith("_") and bool(inspect.getdoc(value))


def documented(thing: Any) -> str:
    """Returns the docstring as Markdown; the arguments of every optimizer are those of the base."""
    return markdown(inspect.getdoc(thing) or "", "[Arguments of every optimizer](optimizer.md) come on top.")


def signature(thing: Any, bound: bool = False) -> str:
    """Returns the signature without annotations, which docstrings say in words."""
    function = getattr(thing, "__func__", thing)
    drop = bound or function is not thing
    try:
        parameters = list(inspect.signature(function).parameters.values())[drop:]
    except ValueError:
        return "()"
    plain = [p.replace(annotation=p.empty, default=_short(p.default)) for p in parameters]
    return str(inspect.Signature(plain))


class _Text:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _short(default: Any) -> Any:
    """Returns a default that prints as a Python expression."""
    plain = default is inspect.Parameter.empty or isinstance(default, str | int | float | bool | tuple | None)
    return default if plain else _Text(getattr(default, "__name__", f"{type(default).__name__}(...)"))


def directive(kind: str, first: str, inner: str, colons: int = 3) -> str:
    """Returns a directive of the Python domain around Markdown."""
    fence = ":" * colons
    return f"{fence}{{py:{kind}}} {first}\n\n{inner}\n{fence}"


def write(save: Callable[[str, str], None]) -> None:
    """Writes all pages."""
    for name, (title, names) in shown().items():
        save(f"api/{name}.md", page(title, names))
