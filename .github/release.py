"""Look that a release is of one piece: version, changelog, citation, tag, and the built files.

    python .github/release.py [--tag v1.2.3] [--unreleased] [dist/FILE ...]

``--unreleased`` leaves out the changelog's heading, for a look between releases.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
import tomllib
import zipfile
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[1]


def version(root: Path) -> str:
    """The version in clc/version.py."""
    text = (root / "clc/version.py").read_text(encoding="utf-8")
    (found,) = re.findall(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return str(found)


def faults(root: Path, tag: str | None = None, *, unreleased: bool = False) -> list[str]:
    """What does not agree in the tree."""
    found = []
    release = version(root)
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", release):
        found.append(f"clc/version.py: {release} is no version of a release")
    cited = re.search(r"^version: (.+)$", (root / "CITATION.cff").read_text("utf-8"), re.MULTILINE)
    if cited is None or cited[1].strip("\"'") != release:
        found.append(f"CITATION.cff: the version is not {release}")
    if tag is not None and tag != f"v{release}":
        found.append(f"the tag is {tag}, the version {release}")
    if not unreleased:
        changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
        headings = re.findall(r"^## \[(.+?)\](?: - (\S+))?$", changes, re.MULTILINE)
        newest = next(((name, day) for name, day in headings if name != "Unreleased"), None)
        if newest is None or newest[0] != release:
            found.append(f"CHANGELOG.md: the newest heading is not ## [{release}] - YYYY-MM-DD")
        elif not _is_day(newest[1]):
            found.append(f"CHANGELOG.md: {release} has no date")
    return found


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text) <= date.today()  # noqa: DTZ011 - a date of the changelog
    except ValueError:
        return False


def faults_of(file: Path, root: Path) -> list[str]:
    """Return the faults in the metadata of a wheel or an sdist."""
    from packaging.metadata import Metadata

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stem = f"{project['name'].replace('-', '_')}-{version(root)}"
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            raw = wheel.read(f"{stem}.dist-info/METADATA")
    else:
        with tarfile.open(file) as archive:
            member = archive.extractfile(f"{stem}/PKG-INFO")
            assert member is not None  # noqa: S101 - extractfile raises where there is none
            raw = member.read()
    metadata = Metadata.from_email(raw, validate=True)
    if metadata.name != project["name"]:
        return [f"{file.name}: the name is {metadata.name}"]
    if str(metadata.version) != version(root):
        return [f"{file.name}: the version is {metadata.version}"]
    if not metadata.description or metadata.description_content_type != "text/markdown":
        return [f"{file.name}: there is no description in Markdown"]
    return []


def main() -> int:
    """Print every fault; 1 if there is one."""
    parser = argparse.ArgumentParser(description="Look that a release is of one piece.")
    parser.add_argument("files", nargs="*", type=Path, help="wheels and sdists")
    parser.add_argument("--tag")
    parser.add_argument("--unreleased", action="store_true")
    options = parser.parse_args()
    found = faults(ROOT, options.tag, unreleased=options.unreleased)
    for file in options.files:
        found += faults_of(file, ROOT)
    for fault in found:
        print(fault, file=sys.stderr)
    if not found:
        print(f"{version(ROOT)}: all of one piece")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
