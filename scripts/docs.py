"""Write the generated reference pages, and check every link in the documentation.

``python scripts/docs.py`` writes; with ``--check`` it only tells what is out of date.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from vantage6.common.cli.root import build
from vantage6.common.config.render import reference_page
from vantage6.common.enums import Scope
from vantage6.common.status import RunStatus, allowed_predecessors, has_failed, is_finished
from vantage6.node.settings import NODE_SECTION
from vantage6.server.policy.roles import DEFAULT_ROLES
from vantage6.server.policy.rules import RULES
from vantage6.server.settings import SERVER_SECTION

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
NOTE = "<!-- Written by scripts/docs.py (make docs) from the code; change it there. -->\n\n"
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)

MEANINGS = {
    RunStatus.PENDING: "the node has not picked it up yet",
    RunStatus.INITIALIZING: "the node has it: policy, input, image and data are prepared",
    RunStatus.ACTIVE: "the algorithm runs",
    RunStatus.COMPLETED: "the result is there",
    RunStatus.FAILED: "it could not be carried out, or left no usable result; the log says why",
    RunStatus.START_FAILED: "the algorithm could not be started",
    RunStatus.NO_DOCKER_IMAGE: "the image could not be obtained",
    RunStatus.CRASHED: "the algorithm ended with an error",
    RunStatus.KILLED: "a user stopped it",
    RunStatus.NOT_ALLOWED: "the node's policy refuses the image or who asks",
    RunStatus.UNKNOWN_ERROR: "something unforeseen at the node",
}
SCOPE_LETTERS = {
    Scope.OWN: "own",
    Scope.ORGANIZATION: "org",
    Scope.COLLABORATION: "col",
    Scope.GLOBAL: "glo",
}

STATUSES_HEAD = """\
# Statuses of runs and tasks

A run only moves forward, and nothing follows a final status. Reports may skip steps.

| status | meaning | final | failure | may follow |
|---|---|---|---|---|"""

STATUSES_FOOT = """\
The status of a task comes from its runs. If any failed it is their common status, or `failed` when
they failed in different ways; else `active`, `initializing` or `pending`, the first of these that
a run has; else `completed`.
"""

COMMAND_LINE_HEAD = """\
# The command line

`v6` has a group for each installed package; `vserver`, `vnode` and `vdev` are the groups `server`,
`node` and `dev` under names of their own. Exit codes: 0 success, 1 an error that one sentence
explains, 2 wrong usage.
"""

PERMISSIONS_HEAD = """\
# Rules and default roles

A rule allows one operation on one kind of thing, within a scope; there are {number}. A user has the
rules of their roles and those given directly. Scopes: `own`, `org`anization, `col`laboration,
`glo`bal.
"""


def main() -> int:
    """Write or check; 1 if something is out of date or a link is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing")
    check = parser.parse_args().check
    problems = [f"{page.relative_to(ROOT)} is out of date; run make docs." for page in stale()]
    if not check:
        write()
        problems = []
    problems += broken_links()
    for problem in problems:
        print(f"docs: {problem}", file=sys.stderr)
    print(f"docs: {len(pages())} pages, {len(PAGES)} of them generated, {len(problems)} problems")
    return 1 if problems else 0


# -- generated pages ----------------------------------------------------------------------------


def write() -> None:
    """Write every generated page."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(NOTE + make(), encoding="utf-8")


def stale() -> list[Path]:
    """Return the generated pages that differ from what would be written."""
    return [
        REFERENCE / name
        for name, make in PAGES.items()
        if not (REFERENCE / name).exists()
        or (REFERENCE / name).read_text(encoding="utf-8") != NOTE + make()
    ]


def statuses() -> str:
    """Return the page on the statuses of runs and tasks."""
    rows = [
        f"| `{status}` | {MEANINGS[status]} | {_yes(is_finished(status))} | "
        f"{_yes(has_failed(status))} | {_predecessors(status)} |"
        for status in RunStatus
    ]
    return "\n".join([STATUSES_HEAD, *rows, "", STATUSES_FOOT])


def command_line() -> str:
    """Return the page on all commands."""
    lines = [COMMAND_LINE_HEAD]
    root = build()
    context = click.Context(root, info_name="v6")
    for path, command in _commands(root, context, "v6"):
        lines += [f"## `{path}`", "", (command.help or "").split("\f")[0].strip(), ""]
        rows = [_parameter(p, context) for p in command.params if not getattr(p, "hidden", False)]
        if rows:
            lines += ["| option | default | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def permissions() -> str:
    """Return the page on rules and default roles."""
    lines = [
        PERMISSIONS_HEAD.format(number=len(RULES)),
        f"| resource | operation | {' | '.join(DEFAULT_ROLES)} |",
        f"|---|---|{'---|' * len(DEFAULT_ROLES)}",
    ]
    for resource, operation in dict.fromkeys((r.resource, r.operation) for r in RULES):
        rules = [r for r in RULES if (r.resource, r.operation) == (resource, operation)]
        cells = [
            " ".join(SCOPE_LETTERS[rule.scope] for rule in rules if rule in role.rules)
            for role in DEFAULT_ROLES.values()
        ]
        lines.append(f"| {resource} | {operation.value} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


PAGES: dict[str, Callable[[], str]] = {
    "statuses.md": statuses,
    "cli.md": command_line,
    "permissions.md": permissions,
    "server-settings.md": lambda: reference_page(SERVER_SECTION, "Settings of the server"),
    "node-settings.md": lambda: reference_page(NODE_SECTION, "Settings of the node"),
}


def _yes(value: bool) -> str:  # noqa: FBT001 - the one thing it formats
    return "yes" if value else "no"


def _predecessors(status: RunStatus) -> str:
    allowed = allowed_predecessors(status)
    return ", ".join(f"`{one}`" for one in RunStatus if one in allowed)


def _commands(
    group: click.Group, context: click.Context, path: str
) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        if isinstance(command, click.Group):
            yield from _commands(command, context, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _parameter(parameter: click.Parameter, context: click.Context) -> str:
    if isinstance(parameter, click.Argument):
        return f"| `{parameter.make_metavar(context)}` | | |"
    names = " ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default
    # The default of a switch is said in its meaning; other kinds than these are "nothing".
    shown = (
        default if isinstance(default, (str, int, float)) and default not in (True, False) else ""
    )
    meaning = (getattr(parameter, "help", None) or "").replace("|", "\\|")
    return f"| {names} | {shown} | {meaning} |"


# -- links --------------------------------------------------------------------------------------


def pages() -> list[Path]:
    """Return every page of the repository."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("vantage6-*/*.md")]
    for folder in ("docs", "changelog.d", "examples"):
        found += (ROOT / folder).rglob("*.md")
    return sorted(found)


def broken_links() -> list[str]:
    """Return one sentence per link that leads nowhere."""
    return [
        f"{page.relative_to(ROOT)} links to {target}, which does not exist."
        for page in pages()
        for target in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8")))
        if not _exists(page, target)
    ]


def _exists(page: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return False
    return not anchor or anchor in _anchors(file)


def _anchors(file: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made where it is shown."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }


if __name__ == "__main__":
    sys.exit(main())
