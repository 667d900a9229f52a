"""A model of which each process holds a piece: its large parts are gathered only while they are computed with (FSDP2).

torch's ``fully_shard`` sends at each forward and backward pass of a part, and waits for all processes there. So all of
them must make the same passes in the same order, whatever modalities their items have. A process that has nothing for a
part still calls it, without computing anything, and every backward pass goes through all of these calls.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.optim import Optimizer

from m5kit.parallel.group import ProcessGroup
from m5kit.parallel.owners import OwnersOptimizer
from m5kit.parallel.replica import BuildOptimizer, Groups, Replica, Unit, copied_parameters
from m5kit.parallel.sharded_state import SavedModel, SavedState, ShardedModel, ShardedOptimizer


class Shards(Replica):
    """The pieces of one process.

    Small things stay copies: scalars, what several parts have in common, and everything outside the parts. So do frozen
    parameters, which have neither gradients nor a state, and which an encoder may read before it is called.

    Args:
        model: on its device, the same on all processes; its parts are changed in place.
        units: the parts.
        group: of the run.
    """

    def __init__(self, model: nn.Module, units: Sequence[Unit], group: ProcessGroup) -> None:
        device = next(model.parameters()).device
        mesh = DeviceMesh.from_group(group.gradients, device.type)
        self.group = group
        # A leaf that needs a gradient: with it, backward reaches a part that no loss of this process depends on.
        self.anchor = torch.zeros((), device=device, requires_grad=True)
        self._tickets: list[Tensor] = []
        self._used: set[nn.Parameter] = set()
        self._is_whole = False
        copied = copied_parameters(units)
        self.units: list[FSDPModule] = []
        for module, method in units:
            if any(parameter not in copied for parameter in module.parameters()):
                self.units.append(self._shard(module, method, mesh, copied))
        self.copies: list[nn.Parameter] = []
        self._sharded: dict[nn.Parameter, nn.Parameter] = {}
        for parameter in model.parameters():
            if isinstance(parameter, DTensor):
                # A plain tensor on the same memory: optimizers then work as they do on whole parameters.
                self._sharded[nn.Parameter(parameter.to_local().detach())] = parameter
            else:
                self.copies.append(parameter)
        self._piece = {parameter: piece for piece, parameter in self._sharded.items()}

    def trained(self, parameter: nn.Parameter) -> nn.Parameter:
        """The piece of a parameter; itself if it is a copy."""
        return self._piece.get(parameter, parameter)

    def pieces(self) -> list[nn.Parameter]:
        """What this process updates of the sharded parameters."""
        return list(self._sharded)

    def optimizer(self, build: BuildOptimizer, groups: Groups, elementwise: bool) -> Optimizer:
        """One that updates the pieces where they are, or each parameter on the process that owns it."""
        if not elementwise:
            return OwnersOptimizer(build, groups, self._piece, self.group)
        for group in groups:
            group["params"] = [self.trained(parameter) for parameter in group["params"]]
        return build(groups)

    def pass_by(self, module: nn.Module) -> None:
        """Call a part with nothing."""
        if isinstance(module, FSDPModule) and not self._is_whole:
            module()

    def linked(self, loss: Tensor) -> Tensor:
        """The loss, from which backward also reaches every pass since the last call."""
        tickets, self._tickets = self._tickets, []
        return loss + torch.stack(tickets).sum() if tickets else loss

    @contextmanager
    def whole(self, learns: bool = False) -> Iterator[None]:
        """A block in which every process holds the whole model, and nothing is sent until its end."""
        self._hold_whole(True)
        for unit in self.units:
            unit.unshard()
        # Not in a ``finally``: after an error the processes no longer agree on what is sent, and the run ends.
        yield
        if learns:
            self._send_gradients()
        self._hold_whole(False)
        for unit in self.units:
            unit.reshard()

    def saved(self, model: nn.Module, optimizer: Optimizer) -> tuple[SavedModel, SavedState]:
        """Both whole."""
        state = self._with_whole_state(optimizer).saved(self.group.first)
        return SavedModel.of(model, self.group.first), SavedState(state)

    def saved_hooks(self, hooks: Mapping[str, Any]) -> Mapping[str, Any]:
        """The hooks with whole states, those that all processes have."""
        saved = {}
        for name, hook in hooks.items():
            gathers = getattr(hook, "takes_pieces", False)
            saved[name] = SavedState.of(hook, self.group.first) if gathers else hook
        return saved

    def restoring(
        self, model: nn.Module, optimizer: Optimizer
    ) -> tuple[ShardedModel, OwnersOptimizer | ShardedOptimizer]:
        """Both as they take whole states."""
        return ShardedModel(model), self._with_whole_state(optimizer)

    def used(self) -> list[bool]:
        """Which pieces got a gradient on this process since gradients were last given."""
        return [parameter in self._used for parameter in self._sharded.values()]

    def give_gradients(self, used: Sequence[bool]) -> None:
        """Hand the pieces their gradients; torch made zeros for what nobody used."""
        for (piece, parameter), some in zip(self._sharded.items(), used, strict=True):
            gradient = parameter.grad
            piece.grad = gradient.to_local() if some and isinstance(gradient, DTensor) else None
            parameter.grad = None  # or those of the next step would be added
        self._used.clear()

    def _with_whole_state(self, optimizer: Optimizer) -> OwnersOptimizer | ShardedOptimizer:
        return optimizer if isinstance(optimizer, OwnersOptimizer) else ShardedOptimizer(optimizer, self._sharded)

    def _shard(self, module: nn.Module, method: str, mesh: DeviceMesh, copied: set[nn.Parameter]) -> FSDPModule:
        """Shard a part, and let each of its calls leave a ticket, by which backward finds the call."""
        compute = getattr(module, method)

        def forward(*arguments: Any, anchor: Tensor) -> tuple[Any, Tensor]:
            result = compute(*arguments) if arguments else None
            # Made last, so that backward comes here first, and gathers the parameters at once.
            return result, anchor * 1.0

        # Of tensors that share memory torch warns, as writing into one would lose the call; no part does so.
        warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view")
        unit: FSDPModule = fully_shard(module, mesh=mesh, reshard_after_forward=True, ignored_params=copied)
        # The objective is a sum over the processes. As a plain one: gloo knows none with a factor.
        unit.set_gradient_divide_factor(1.0)
        unit.set_force_sum_reduction_for_comms(True)
        unit.set_reduce_scatter_unused_params(True)
        self._watch(module, unit)
        module.forward = forward  # type: ignore[method-assign]
        if method != "forward":
            setattr(module, method, module.__call__)
        # One before torch's hooks, which look for tensors among the arguments, and one after them.
        module.register_forward_pre_hook(self._give_anchor, prepend=True, with_kwargs=True)
        module.register_forward_hook(self._take_ticket)
        return unit

    def _watch(self, module: nn.Module, unit: FSDPModule) -> None:
        """Remember which of the gathered parameters get a gradient."""
        sharded = dict(module.named_parameters())
        unit.unshard()  # torch keeps these tensors, and frees their memory alone
        for name, gathered in module.named_parameters():
            if gathered.requires_grad:
                parameter = sharded[name]
                gathered.register_post_accumulate_grad_hook(lambda _, used=parameter: self._used.add(used))
        unit.reshard()

    def _hold_whole(self, whole: bool) -> None:
        self._is_whole = whole
        for unit in self.units:
            unit.set_reshard_after_forward(not whole)
            self._send_after_backward(unit, not whole)

    def _send_after_backward(self, unit: FSDPModule, send: bool) -> None:
        unit.set_reshard_after_backward(send)
        unit.set_requires_gradient_sync(send)

    def _send_gradients(self) -> None:
        """Add up what all backward passes of a block have left: by one more, of calls with nothing."""
        self._is_whole = False
        for unit in self.units:
            self._send_after_backward(unit, True)
            self.pass_by(unit)  # type: ignore[arg-type]  # it is the module
        self.linked(self.anchor).backward()  # type: ignore[no-untyped-call]

    def _give_anchor(self, module: nn.Module, arguments: Any, named: Any) -> tuple[Any, dict[str, Any]]:
        return arguments, {**named, "anchor": self.anchor}

    def _take_ticket(self, module: nn.Module, arguments: Any, output: tuple[Any, Tensor]) -> Any:
        result, ticket = output
        if ticket.requires_grad and not self._is_whole:
            self._tickets.append(ticket)
        return result
