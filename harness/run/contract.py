"""What is wrong with a submission's source, as far as reading it tells."""

import ast
import os
from collections.abc import Collection, Iterator
from importlib.util import find_spec
from pathlib import Path

from harness.plain_text import harmless
from harness.run.messages import ARGUMENTS, OPTIONAL_ARGUMENTS, missing_module

SIGNATURE = "def unlearning(net, retain, forget, validation)"
#: What ``BATCHES`` may say: pairs of inputs and targets, or the competition's form.
BATCHES = ("pairs", "dict")
_LONGEST_LIST = 200
_MOST_IMPORTS, _MOST_PROBLEMS = 200, 5

Function = ast.FunctionDef | ast.AsyncFunctionDef


def contract_problems(
    tree: ast.Module, path: Path, modules: Collection[str] = ()
) -> list[str]:
    """List all that would keep a source from being called, a sentence each.

    The files `modules` come along with it.
    """
    named = [
        node
        for node in tree.body
        if isinstance(node, Function | ast.ClassDef) and node.name == "unlearning"
    ]
    if named:
        found = _definition_problems(named[-1], path.name)
    elif _binds_unlearning(tree):
        found = []
    else:
        found = [_nothing_to_call(tree, path.name)]
    tops = (name.partition("/")[0].removesuffix(".py") for name in modules)
    known = {path.stem, *tops}
    found += _batches_problems(tree, path.name)
    return [*found, *_import_problems(tree, path, known)]


def contract_notes(tree: ast.Module, filename: str) -> tuple[str, ...]:
    """Say what would be called, and maybe not as it is meant."""
    named = [
        node
        for node in tree.body
        if isinstance(node, Function) and node.name == "unlearning"
    ]
    if not named:
        return ()
    args = named[-1].args
    names = [arg.arg.lower() for arg in (*args.posonlyargs, *args.args)]
    if "forget" in "".join(names[1:2]) and "retain" in "".join(names[2:3]):
        return (
            f"{filename}, line {named[-1].lineno}: unlearning names forget before "
            f"retain; it is called by place, in the order {', '.join(ARGUMENTS)}.",
        )
    return ()


def _definition_problems(node: Function | ast.ClassDef, filename: str) -> list[str]:
    if isinstance(node, ast.ClassDef):
        return [
            f"{filename}, line {node.lineno}: unlearning is a class; it must be a "
            f"function: {SIGNATURE}."
        ]
    return _parameter_problems(node, filename)


def _nothing_to_call(tree: ast.Module, filename: str) -> str:
    words = f"{filename} defines no function unlearning; it needs {SIGNATURE}."
    candidates = list(_candidates(tree))
    if not candidates:
        return words
    listed = harmless(" and ".join(words for words, _ in candidates), _LONGEST_LIST)
    return f"{words} It defines {listed}: {candidates[0][1]}"


def _candidates(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what might be meant, the likeliest first, and how it is made to count."""
    functions = [
        node for node in tree.body if isinstance(node, Function) and _looks_meant(node)
    ]
    functions.sort(key=_unlikely)
    which = "it" if len(functions) == 1 else "the one that you mean"
    for function in functions:
        name = harmless(function.name, 60)
        yield f"{name}()", f"rename {which}, or add the line unlearning = {name}."
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and (methods := _methods(node)):
            name, method = harmless(node.name, 60), harmless(methods[0], 60)
            yield (
                f"the class {name}",
                f"add {SIGNATURE} that makes one and returns the network of {method}.",
            )


def _looks_meant(node: Function) -> bool:
    words = ("unlearn", "forget", "scrub")
    return _fits(node) or any(word in node.name.lower() for word in words)


def _unlikely(node: Function) -> tuple[bool, bool]:
    """Order functions by their names, then by whether four arguments fit them."""
    return "unlearn" not in node.name.lower(), not _fits(node)


def _fits(node: Function) -> bool:
    arguments = [*node.args.posonlyargs, *node.args.args]
    required = len(arguments) - len(node.args.defaults)
    return required <= len(ARGUMENTS) <= len(arguments)


def _methods(node: ast.ClassDef) -> list[str]:
    """Names of a class's methods that might unlearn, the likely ones first."""
    names = [each.name for each in node.body if isinstance(each, Function)]
    likely = ("unlearn", "__call__", "fit", "run")
    return [name for word in likely for name in names if word in name]


def _binds_unlearning(tree: ast.Module) -> bool:
    """Tell whether the name is bound at the top in some other way."""
    for node in tree.body:
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                if child.id == "unlearning":
                    return True
            elif isinstance(child, ast.alias):
                if (child.asname or child.name) in ("unlearning", "*"):
                    return True
            elif getattr(child, "name", None) == "unlearning":
                return not isinstance(node, ast.ClassDef)
    return False


def _parameter_problems(function: Function, filename: str) -> list[str]:
    where = f"{filename}, line {function.lineno}: unlearning"
    problems = []
    if isinstance(function, ast.AsyncFunctionDef):
        problems.append(f"{where} must be an ordinary function, not async.")
    args = function.args
    positional = [*args.posonlyargs, *args.args]
    required = len(positional) - len(args.defaults)
    if len(positional) < len(ARGUMENTS) and args.vararg is None:
        problems.append(
            f"{where} takes {len(positional)} arguments; it is called with four: "
            f"{', '.join(ARGUMENTS)}."
        )
    extra = [arg.arg for arg in positional[len(ARGUMENTS) : max(required, 0)]]
    extra += [
        arg.arg
        for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        if default is None
    ]
    by_place = [arg.arg for arg in (*args.posonlyargs, *positional[: len(ARGUMENTS)])]
    passed = [name for name in OPTIONAL_ARGUMENTS if name not in by_place]
    unknown = [name for name in extra if name.lower() not in passed]
    if set(unknown) & set(ARGUMENTS):  # Which of them is too many is not known.
        listed = harmless(", ".join(arg.arg for arg in positional), _LONGEST_LIST)
        problems.append(
            f"{where} requires {required} arguments ({listed}); it is passed four, by "
            f"their places: {', '.join(ARGUMENTS)}. Put others behind, with a default."
        )
    elif unknown:
        listed = harmless(", ".join(unknown), _LONGEST_LIST)
        problems.append(
            f"{where} requires {listed}, which nobody passes; after the four it may "
            f"name {', '.join(OPTIONAL_ARGUMENTS)}. Give others a default."
        )
    return problems + [f"{where} {words}" for words in _misplaced(positional, args)]


def _misplaced(positional: list[ast.arg], args: ast.arguments) -> Iterator[str]:
    """Say which of the first four is by its default meant for something else."""
    with_default = positional[len(positional) - len(args.defaults) :]
    for arg, default in zip(with_default, args.defaults, strict=True):
        value = default.value if isinstance(default, ast.Constant) else None
        if arg in positional[: len(ARGUMENTS)] and value is not None:
            place = ARGUMENTS[positional.index(arg)]
            yield (
                f"has {harmless(arg.arg, 60)} where {place} is passed; put it behind "
                "the four, where its default counts."
            )


def _batches_problems(tree: ast.Module, filename: str) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            value = node.value.value
            if "BATCHES" in names and value not in BATCHES:
                legal = " or ".join(f'"{each}"' for each in BATCHES)
                return [f"{filename}, line {node.lineno}: BATCHES must be {legal}."]
    return []


def _import_problems(tree: ast.Module, path: Path, known: set[str]) -> list[str]:
    """List what is imported at the top, come what may, and cannot be had by a run."""
    problems: dict[str, str] = {}
    lines = {name: node.lineno for node in tree.body for name in _imported(node)}
    for name in list(lines)[:_MOST_IMPORTS]:
        where = f"{path.name}, line {lines[name]}: "
        if name not in known and len(problems) < _MOST_PROBLEMS:
            if _lies_beside(name, path):
                problems[name] = (
                    f"{where}it imports {harmless(name, 80)}, which lies beside it; "
                    "name this one submission.py, and give the folder with both."
                )
            elif not _is_installed(name):
                problems[name] = where + missing_module(name)
    return list(problems.values())


def _imported(node: ast.stmt) -> list[str]:
    """Names of the packages that a statement imports; relative ones are neighbours."""
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        if node.module:
            return [node.module.partition(".")[0]]
        return [alias.name for alias in node.names]
    return []


def _lies_beside(name: str, path: Path) -> bool:
    places = (path.parent / f"{name}.py", path.parent / name)
    # Not by pathlib, which raises an error where a name is too long.
    if not name or not any(map(os.path.exists, places)):
        return False
    try:
        found = find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return False
    origin = found.origin if found else None
    return origin is None or Path(origin).parent in (path.parent, path.parent / name)


def _is_installed(name: str) -> bool:
    try:
        return name in ("", "submission", "__main__") or find_spec(name) is not None
    except (ImportError, ValueError, AttributeError):
        return True  # Something odd, which the run itself will tell of.
