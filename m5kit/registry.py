"""One registry a family of parts: a name from a config becomes a class, found among the built-ins, then the plugins.

Every family is a root registry of mmengine's ``Registry``, so ``@ENCODERS.register_module("name")`` is familiar. What
differs: only registered names can be built (a dotted path is refused), an unknown name gets the nearest ones, and a
built-in is found by reading the sources of its package, so that listing names imports nothing and adding a part edits
no other file.
"""

import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module, util
from typing import Any

from mmengine.registry import Registry

from m5kit import plugins
from m5kit.errors import ConfigError, M5KitError, PluginError, UnknownComponentError

BUILT_IN = "m5kit"
_CATCH_ALL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class ComponentRegistry(Registry):  # type: ignore[misc]  # mmengine ships no types
    """The parts of one family.

    Args:
        family: plural name, as in ``m5kit list FAMILY`` and in the entry-point group ``m5kit.v1.FAMILY``.
        package: the package whose modules register the built-in parts.
        base: name of the contract's class in the package's module ``base``; the singular, if it is not given.

    Example:
        >>> FUSIONS.get("conact")
        Traceback (most recent call last):
        ...
        m5kit.errors.UnknownComponentError: no fusion is named 'conact'; did you mean 'concat'? See: m5kit list fusions
    """

    def __init__(self, family: str, package: str, base: str | None = None) -> None:
        super().__init__(family, scope=BUILT_IN)
        self.family = family
        self.package = package
        self.base = base or self.singular.capitalize()
        self._temporary: set[str] = set()

    @property
    def singular(self) -> str:
        """The family's name for one part."""
        return self.family.removesuffix("s")

    @cached_property
    def built_ins(self) -> Mapping[str, str]:
        """Module by name of every built-in part, read from the sources without importing them."""
        decorator = re.compile(rf'^@{self.family.upper()}\.register_module\("([\w-]+)"\)', re.MULTILINE)
        return {name: module for module, source in _sources(self.package) for name in decorator.findall(source)}

    def names(self) -> list[str]:
        """Every name a config may use: built-ins, parts registered by hand, plugins of this API version."""
        published = (p.name for p in plugins.discover().get(self.family, ()) if p.api == plugins.API_VERSION)
        return sorted({*self.built_ins, *self.module_dict, *published})

    def get(self, key: str) -> type:
        """The class registered as ``name``, ``m5kit:name`` or ``distribution:name``; imports its module.

        Raises:
            UnknownComponentError: nothing has that name.
            PluginError: a plugin has it but cannot be used.
        """
        name = key.removeprefix(f"{BUILT_IN}:")
        if name in self.built_ins and name not in self.module_dict:
            import_module(self.built_ins[name])
        elif (part := self._plugin(key)) is not None:
            return self._load(part)
        if name in self.module_dict:
            return self.module_dict[name]  # type: ignore[no-any-return]
        raise self._unknown(key)

    def build(self, config: Mapping[str, Any], **injected: Any) -> Any:
        """Construct the part that ``config["type"]`` names with the other keys as keyword arguments.

        Args:
            config: ``type`` and the arguments a user wrote.
            injected: values known from elsewhere (width, modalities); each is passed if the constructor takes it and
                the config does not set it.

        Raises:
            ConfigError: a key that the constructor does not take, or one that it needs and nobody gave.
        """
        arguments = dict(config)
        part = self.get(arguments.pop("type"))
        accepted = _parameters(part)
        arguments = {k: v for k, v in injected.items() if k in accepted} | arguments
        problems = argument_problems(part, arguments)
        if problems:
            raise ConfigError([f"{self.singular} {self.described(config['type'])}: {problem}" for problem in problems])
        try:
            return part(**arguments)
        except M5KitError:
            raise
        except Exception as error:
            plugin = self._plugin(config["type"])
            if plugin is None:
                raise
            raise PluginError(
                f"the plugin {plugin.label} cannot build its {self.singular} {plugin.name!r}: "
                f"{type(error).__name__}: {error}\n{plugin.remedy}"
            ) from error

    def described(self, key: str) -> str:
        """The name as messages show it, with the plugin that provides the part, if one does."""
        plugin = self._plugin(key)
        return repr(key) if plugin is None else f"{key!r} of the plugin {plugin.label}"

    def arguments(self, name: str) -> list[str]:
        """What the constructor of the part called ``name`` takes."""
        return list(_parameters(self.get(name)))

    @contextmanager
    def temporarily(self, name: str, part: type) -> Iterator[None]:
        """Register ``part`` for the length of a ``with`` block; for tests and notebooks."""
        before = dict(self.module_dict)
        self.register_module(name, module=part, force=True)
        self._temporary.add(name)
        try:
            yield
        finally:
            self._module_dict = before
            self._temporary.discard(name)

    def _plugin(self, key: str) -> plugins.PluginPart | None:
        """The plugin's part that ``key`` means; a built-in and a part registered for a while come before it."""
        bare = key.removeprefix(f"{BUILT_IN}:")
        if bare in self.built_ins or bare in self._temporary:
            return None
        return plugins.find(self.family, key)

    def _load(self, part: plugins.PluginPart) -> type:
        """Import a plugin's part and see that it is one of this family."""
        found = part.load()
        base = getattr(import_module(f"{self.package}.base"), self.base)
        if not issubclass(found, base):
            raise PluginError(
                f"the plugin {part.label} cannot provide the {self.singular} {part.name!r}: {part.target} does not "
                f"derive from m5kit.api.{base.__name__}\n{part.remedy}"
            )
        return found

    def _register_module(self, module: type, module_name: Any = None, force: bool = False) -> None:
        """Refuse what would take the place of a built-in."""
        for name in [module_name] if isinstance(module_name, str) else module_name or ():
            if not force and self.built_ins.get(name, module.__module__) != module.__module__:
                raise PluginError(
                    f"{module.__module__}.{module.__qualname__} registers the {self.singular} {name!r}, which m5kit "
                    f"itself provides; choose another name"
                )
        super()._register_module(module, module_name, force)

    def _unknown(self, key: str) -> UnknownComponentError:
        near = get_close_matches(key.rpartition(":")[2], self.names(), n=3)
        elsewhere = [other.singular for other in FAMILIES.values() if key in other.built_ins]
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        if elsewhere:
            hint += f"({key!r} is a {elsewhere[0]}.) "
        return UnknownComponentError(f"no {self.singular} is named {key!r}; {hint}See: m5kit list {self.family}")


def argument_problems(part: type, arguments: Mapping[str, Any]) -> list[str]:
    """What keeps ``part(**arguments)`` from being called, one sentence a mistake; empty if nothing does."""
    parameters = _parameters(part)
    problems = []
    for key in arguments:
        if key not in parameters:
            near = get_close_matches(key, parameters, n=1)
            hint = f", did you mean {near[0]!r}?" if near else f"; it takes {', '.join(parameters) or 'nothing'}"
            problems.append(f"unknown key {key!r}{hint}")
    problems += [
        f"{name!r} is missing"
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and name not in arguments and parameter.kind not in _CATCH_ALL
    ]
    return problems


def _parameters(part: type) -> dict[str, inspect.Parameter]:
    """Named parameters; a part without a constructor of its own has ``nn.Module``'s catch-alls, which name none."""
    catch_all = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: p for name, p in inspect.signature(part).parameters.items() if p.kind not in catch_all}


def _sources(package: str) -> Iterator[tuple[str, str]]:
    spec = util.find_spec(package)
    for found in pkgutil.walk_packages(spec.submodule_search_locations if spec else None, f"{package}."):
        module = found.module_finder.find_spec(found.name, None)  # type: ignore[call-arg]
        source = module.loader.get_source(found.name) if module and module.loader else None  # type: ignore[attr-defined]
        yield found.name, source or ""


FAMILIES: dict[str, ComponentRegistry] = {}
"""Every family by name, in the order of the flow of data."""


def _family(family: str, package: str, base: str | None = None) -> ComponentRegistry:
    """Declare a family; everything that goes through all of them finds it in :data:`FAMILIES`."""
    FAMILIES[family] = ComponentRegistry(family, package, base)
    return FAMILIES[family]


ENCODERS = _family("encoders", "m5kit.encoders")
FUSIONS = _family("fusions", "m5kit.fusions")
HARMONIZERS = _family("harmonizers", "m5kit.harmonizers")
TASKS = _family("tasks", "m5kit.tasks")
BALANCERS = _family("balancers", "m5kit.balancers")
HEADS = _family("heads", "m5kit.heads")
OPTIMIZERS = _family("optimizers", "m5kit.optimizers", "OptimizerBuilder")
SCHEDULES = _family("schedules", "m5kit.schedules", "LearningRateSchedule")
METRICS = _family("metrics", "m5kit.evaluation")
EXPORTERS = _family("exporters", "m5kit.exporters")
HOOKS = _family("hooks", "m5kit.hooks")
DECODERS = _family("decoders", "m5kit.data.decode")
TRANSFORMS = _family("transforms", "m5kit.data.transforms")
DATASETS = _family("datasets", "m5kit.data.sources")
