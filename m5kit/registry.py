"""A registry for each family of parts: it finds the class for a name among the built-ins, then among the plugins.

``@ENCODERS.register_module("name")`` is written as in mmengine, whose ``Registry`` the families follow with three
differences. Only registered names can be built; a dotted path is refused. An unknown name is an error with the nearest
names. Built-ins are found by reading the sources of their package, so listing names imports nothing, and a new part
needs no edit elsewhere. The scope of a look-up decides which plugins it finds, not what has been imported.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from typing import Any

from m5kit import plugins
from m5kit.arguments import flat_parameters, gather
from m5kit.errors import ConfigError, M5KitError, PluginError, UnknownComponentError
from m5kit.plugins import PluginScope
from m5kit.registrations import package_sources, registered_names, registrations
from m5kit.signatures import argument_problems, suggestion, unset_attributes

BUILT_IN = "m5kit"


class ComponentRegistry:
    """The parts of one family.

    Args:
        family: plural name, as in ``m5kit list FAMILY`` and in the entry-point group ``m5kit.v1.FAMILY``.
        package: the package whose modules register the built-in parts.
        base: name of the contract's class in the package's module ``base``; by default the singular, capitalised.

    Attributes:
        module_dict: the classes whose modules have been imported, by name.

    Example:
        >>> FUSIONS.get("conact")
        Traceback (most recent call last):
        ...
        m5kit.errors.UnknownComponentError: no fusion is named 'conact'; did you mean 'concat'? See: m5kit list fusions
    """

    def __init__(self, family: str, package: str, base: str | None = None) -> None:
        self.family = family
        self.module_dict: dict[str, type] = {}
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
        found = {}
        for module, source in package_sources(self.package):
            for family, name in registered_names(source):
                if family == self.family:
                    found[name] = module
        return found

    def declared(self, name: Any, constant: str) -> Any:
        """A constant that the class of a built-in part declares, without an import; None if it declares none."""
        module = self.built_ins.get(name) if isinstance(name, str) else None
        if module is None:
            return None
        for each in registrations(dict(package_sources(self.package))[module]):
            if (each.family, each.name) == (self.family, name):
                return each.constants.get(constant)
        return None

    def names(self, scope: PluginScope | None = None) -> list[str]:
        """Every name a config may use: built-ins, parts registered by hand, plugins of this API version."""
        published = plugins.discover(scope).get(self.family, ())
        usable = [part.name for part in published if part.api == plugins.API_VERSION]
        return sorted({*self.built_ins, *self.module_dict, *usable})

    def get(self, key: str, scope: PluginScope | None = None) -> type:
        """The class registered as ``name``, ``m5kit:name`` or ``distribution:name``; imports its module.

        Args:
            key: how a config names the part.
            scope: the plugins that may be used, a config's ``plugins``; None for the current scope.

        Raises:
            UnknownComponentError: nothing has that name.
            PluginError: a plugin has it but cannot be used.
        """
        name = key.removeprefix(f"{BUILT_IN}:")
        if name in self.built_ins and name not in self.module_dict:
            import_module(self.built_ins[name])
        elif (part := self._plugin(key, scope)) is not None:
            return self._load(part, scope)
        if name in self.module_dict:
            return self.module_dict[name]
        raise self._unknown(key, scope)

    def build(self, config: Mapping[str, Any], scope: PluginScope | None = None, **injected: Any) -> Any:
        """Construct the part that ``config["type"]`` names with the other keys as keyword arguments.

        Args:
            config: ``type`` and the arguments a user wrote.
            scope: the plugins that may be used, also by a part that builds others; None for the current scope.
            injected: values known from elsewhere (width, modalities); each is passed if the constructor takes it and
                the config does not set it.

        Raises:
            ConfigError: an argument that the constructor does not take, or a missing one.
        """
        scope = scope or plugins.current_scope()
        given = dict(config)
        part = self.get(given.pop("type"), scope)
        accepted = flat_parameters(part)
        arguments = {name: value for name, value in injected.items() if name in accepted} | given
        problems = argument_problems(part, arguments)
        if problems:
            described = self.described(config["type"], scope)
            raise ConfigError([f"{self.singular} {described}: {problem}" for problem in problems])
        try:
            with plugins.in_use(scope):
                built = part(**gather(part, arguments))
        # m5kit's own errors already say what to do; anything else is the fault of a plugin, or a bug.
        except M5KitError:
            raise
        except Exception as error:
            plugin = self._plugin(config["type"], scope)
            if plugin is None:
                raise
            raise PluginError(
                f"the plugin {plugin.label} cannot build its {self.singular} {plugin.name!r}: "
                f"{type(error).__name__}: {error}\n{plugin.remedy}"
            ) from error
        if unset := unset_attributes(built, self.contract()):
            what = f"the {self.singular} {self.described(config['type'], scope)}"
            raise PluginError(f"{what} must set {' and '.join(unset)} in its constructor, as its base declares")
        return built

    def contract(self) -> type:
        """The base class of the family."""
        return vars(import_module(f"{self.package}.base"))[self.base]  # type: ignore[no-any-return]

    def described(self, key: str, scope: PluginScope | None = None) -> str:
        """The name as messages show it, with the plugin that provides the part, if one does."""
        plugin = self._plugin(key, scope)
        return repr(key) if plugin is None else f"{key!r} of the plugin {plugin.label}"

    @contextmanager
    def temporarily(self, name: str, part: type) -> Iterator[None]:
        """Register ``part`` inside a ``with`` block; for tests and notebooks."""
        before = self.module_dict.get(name)
        self.module_dict[name] = part
        self._temporary.add(name)
        try:
            yield
        finally:
            # only this name: built-ins that were imported meanwhile stay registered
            self.module_dict.pop(name)
            if before is not None:
                self.module_dict[name] = before
            self._temporary.discard(name)

    def _plugin(self, key: str, scope: PluginScope | None) -> plugins.PluginPart | None:
        """The plugin's part that ``key`` means; built-ins and parts registered temporarily come first."""
        bare = key.removeprefix(f"{BUILT_IN}:")
        if bare in self.built_ins or bare in self._temporary:
            return None
        return plugins.find(self.family, key, scope)

    def _load(self, part: plugins.PluginPart, scope: PluginScope | None) -> type:
        """Import a plugin's part and check that it belongs to this family."""
        with plugins.in_use(scope or plugins.current_scope()):
            found = part.load()
        base = self.contract()
        if not issubclass(found, base):
            raise PluginError(
                f"the plugin {part.label} cannot provide the {self.singular} {part.name!r}: {part.target} does not "
                f"derive from m5kit.api.{base.__name__}\n{part.remedy}"
            )
        return found

    def register_module(self, name: str | None = None, force: bool = False, module: type | None = None) -> Any:
        """Register the class below, or ``module``, under a name or its own; ``force`` replaces another part.

        The decorator in a plugin's module runs when a config uses the plugin. It registers nothing: another config in
        the same process would find a part that its own scope does not have.
        """

        def register(part: type) -> type:
            own = part.__name__ if name is None else name
            if not force:
                self._require_free(own, part)
            if not plugins.is_published(part.__module__):
                self.module_dict[own] = part
            return part

        return register if module is None else register(module)

    def _require_free(self, name: str, part: type) -> None:
        """Refuse a name that another part has; a class may be defined again, as the cell of a notebook does.

        Raises:
            PluginError: m5kit itself provides the name, or another class took it before.
        """
        place, taken = f"{part.__module__}.{part.__qualname__}", self.module_dict.get(name)
        if self.built_ins.get(name, part.__module__) != part.__module__:
            owner = "m5kit itself provides"
        elif taken is not None and f"{taken.__module__}.{taken.__qualname__}" != place:
            owner = f"{taken.__module__}.{taken.__qualname__} has taken"
        else:
            return
        raise PluginError(f"{place} registers the {self.singular} {name!r}, which {owner}; choose another name")

    def _unknown(self, key: str, scope: PluginScope | None) -> UnknownComponentError:
        """The error for a name that no part has, with the nearest names and families."""
        # a common mistake is a right name in the wrong family
        elsewhere = [f"{key!r} is a {other.singular}" for other in FAMILIES.values() if key in other.built_ins]
        near = suggestion(key.rpartition(":")[2], self.names(scope), count=3)
        told = "; ".join(filter(None, [f"no {self.singular} is named {key!r}", *elsewhere[:1], near]))
        return UnknownComponentError(f"{told}{'' if near else '.'} See: m5kit list {self.family}")


FAMILIES: dict[str, ComponentRegistry] = {}
"""Every family by name, in the order of the flow of data."""


def _family(family: str, package: str, base: str | None = None) -> ComponentRegistry:
    """Declare a family and add it to :data:`FAMILIES`, which lists, checks and reference pages read."""
    FAMILIES[family] = ComponentRegistry(family, package, base)
    return FAMILIES[family]


ENCODERS = _family("encoders", "m5kit.encoders")
DESCRIPTORS = _family("descriptors", "m5kit.descriptors")
READOUTS = _family("readouts", "m5kit.readouts")
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
