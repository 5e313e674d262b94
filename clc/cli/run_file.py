"""A run as a file: the options of ``clc solve`` by their names, in TOML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RunFileCommand", "given_options", "run_file_toml"]

_NO_KEYS = frozenset({"--help", "--dry-run", "--json"})
_FILE = "file"  # the key of the argument FILE


class RunFileCommand(click.Command):
    """A command whose first argument may be a TOML file with its arguments and options.

    Options on the command line win over the file's.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line over the run file that it names."""
        source = self._find_source(ctx, args)
        if source is not None and source.endswith(".toml"):
            ctx.default_map = self._read(ctx, source)
            args = list(args)
            args.remove(source)
        return super().parse_args(ctx, args)

    def _find_source(self, ctx: click.Context, args: list[str]) -> str | None:
        """Return the first positional argument, None without one."""
        try:
            values, _, _ = self.make_parser(ctx).parse_args(list(args))
        except click.UsageError:
            return None  # the real parser reports it
        source = values.get("source")
        return source if isinstance(source, str) else None

    def _read(self, ctx: click.Context, path: str) -> dict[str, Any]:
        """Return the values of a run file by the parameters' names.

        Raises:
            ConfigurationError: it cannot be read, or a key or value in it is wrong.
        """
        from pathlib import Path

        from clc.engines.engine_file.lines import find_lines
        from clc.engines.engine_file.tables import TableReader
        from clc.input_files import parse_toml, read_regular

        data = read_regular(Path(path), ConfigurationError)
        if data is None:
            raise ConfigurationError(f"{path}: cannot read the run: no such file")
        values = parse_toml(data, path, ConfigurationError)
        reader = TableReader(Path(path), find_lines(data.decode("utf-8-sig")))
        known = {_key(one): one for one in self.params if _key(one)}
        normal = {name.replace("_", "-"): (name, value) for name, value in values.items()}
        reader.check_keys("", dict.fromkeys(normal), tuple(known))
        if _FILE not in normal:
            reader.fail(_FILE, "it is missing: name the file of problems")
        chosen: dict[str, Any] = {}
        for key, (name, value) in normal.items():
            parameter = known[key]
            try:
                plain = _plain(parameter, value)
                parameter.type_cast_value(ctx, plain)
            except (click.BadParameter, ConfigurationError) as error:
                text = error.message if isinstance(error, click.BadParameter) else str(error)
                reader.fail(name, text.rstrip("."))
            assert parameter.name is not None  # noqa: S101 - click names every parameter
            chosen[parameter.name] = plain
        return chosen


def given_options(context: click.Context) -> dict[str, Any]:
    """Return the options that a call gave, in a run file or on the command line, by their keys."""
    sources = {click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.DEFAULT_MAP}
    return {
        key: _stored(context.params[one.name])
        for one in context.command.params
        if one.name in context.params
        and (key := _key(one))
        and context.get_parameter_source(one.name) in sources
    }


def run_file_toml(options: Mapping[str, Any]) -> str:
    """Write options as a run file.

    >>> print(run_file_toml({"file": "mgsm_de.tsv", "paths": 22, "base-url": ["http://h/v1"]}))
    file = "mgsm_de.tsv"
    paths = 22
    base-url = ["http://h/v1"]
    """
    return "\n".join(f"{key} = {_toml(value)}" for key, value in options.items())


def _key(parameter: click.Parameter) -> str:
    """Return the key of a parameter in a run file, '' for those that have none."""
    if isinstance(parameter, click.Argument):
        return _FILE
    long = [option for option in parameter.opts if option.startswith("--")]
    return long[0].removeprefix("--") if long and long[0] not in _NO_KEYS else ""


def _plain(parameter: click.Parameter, value: Any) -> Any:
    """Return a value of a run file as click takes it.

    Raises:
        ConfigurationError: its type does not go with the parameter.
    """
    if isinstance(value, dict):
        raise ConfigurationError("write a value, not a table")
    if getattr(parameter, "is_flag", False):
        if not isinstance(value, bool):
            raise ConfigurationError("give true or false")
        return value
    if isinstance(value, bool):
        raise ConfigurationError("it is no switch: give its value")
    if getattr(parameter, "multiple", False):
        return [str(one) for one in value] if isinstance(value, list) else [str(value)]
    if isinstance(value, list):
        return ",".join(str(one) for one in value)  # languages
    if isinstance(parameter.type, click.types.StringParamType | click.Choice | click.Path):
        return str(value)
    return value


def _stored(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        import json

        return json.dumps(value, ensure_ascii=False)
    return repr(value)
