"""What the topic of a Sparkplug message says: its kind and who it is from.

Source: Eclipse Sparkplug 3.0.0 §4.1 (topic structure), §4.2 (message types).
"""

from typing import Final, NamedTuple

from wuxin.protocols.octets import BadFrame

NAMESPACE: Final = "spBv1.0"
NODE: Final = ("NBIRTH", "NDEATH", "NDATA", "NCMD")
DEVICE: Final = ("DBIRTH", "DDEATH", "DDATA", "DCMD")
BIRTHS: Final = ("NBIRTH", "DBIRTH")
DATA: Final = ("NDATA", "DDATA")
COMMANDS: Final = ("NCMD", "DCMD")
_LONGEST: Final = 512


class Topic(NamedTuple):
    """A topic taken apart; of a STATE message only ``host`` is filled."""

    kind: str
    group: str = ""
    node: str = ""
    device: str = ""
    host: str = ""

    @property
    def edge(self) -> str:
        """The edge node's name, with its group."""
        return f"{self.group}/{self.node}"

    @property
    def who(self) -> str:
        """Who reports: the device behind the edge node, or the edge node, or the host."""
        return self.host or (f"{self.edge}/{self.device}" if self.device else self.edge)


def topic(text: str) -> Topic:
    """Take a topic apart.

    Raises:
        BadFrame: it is none of Sparkplug B.
    """
    parts = text.split("/")
    good = len(text) <= _LONGEST and all(part and part.isprintable() for part in parts)
    if not good or parts[0] != NAMESPACE or "+" in text or "#" in text:
        raise BadFrame(f"topic {text!a:.80} is none of {NAMESPACE}", "topic")
    match parts[1:]:
        case ["STATE", host]:
            return Topic("STATE", host=host)
        case [group, kind, node] if kind in NODE:
            return Topic(kind, group, node)
        case [group, kind, node, device] if kind in DEVICE:
            return Topic(kind, group, node, device)
    raise BadFrame(f"topic {text!a:.80} names no message of {NAMESPACE}", "topic")
