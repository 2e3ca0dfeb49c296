"""The configuration, declared once (design §5.3): load it, compile its flows, show it without its secrets.

Called by app.py, the commands and whoever reads a setting. May import model and errors; never flows/ or what else lies
above, so a flow's table stays raw until `compile_flows` is told which kinds exist.
"""

from counterfoil.settings.flows import FlowSettings, compile_flows
from counterfoil.settings.loading import RawFlow, Settings, load
from counterfoil.settings.secret import Secret
from counterfoil.settings.show import Field, declared, redacted
from counterfoil.settings.tables import (
    EntitySettings,
    PostingSettings,
    ServiceSettings,
    StoreSettings,
    VaultSettings,
    XeroSettings,
)

__all__ = [
    "EntitySettings",
    "Field",
    "FlowSettings",
    "PostingSettings",
    "RawFlow",
    "Secret",
    "ServiceSettings",
    "Settings",
    "StoreSettings",
    "VaultSettings",
    "XeroSettings",
    "compile_flows",
    "declared",
    "load",
    "redacted",
]
