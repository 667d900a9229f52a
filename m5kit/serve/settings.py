"""What a service allows its clients."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of a service.

    Attributes:
        max_bytes: of one request's body.
        max_items: of one request.
        max_top: hits of one search.
        seconds: until a request must be answered.
        concurrent: requests that are worked on at the same time; more are told to come again.
        batch: items of one forward pass.
        token: clients must show it; empty for none.
        hosts: names under which a browser may reach the service; empty for any. On the machine itself only its own
            names are right: another name means that a page elsewhere points to this machine (DNS rebinding).
    """

    max_bytes: int = 32 * 2**20
    max_items: int = 256
    max_top: int = 200
    seconds: float = 30.0
    concurrent: int = 64
    batch: int = 64
    token: str = ""
    hosts: tuple[str, ...] = ()
