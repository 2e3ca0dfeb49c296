"""The configuration, declared once (design §5.3): load it, compile its flows, show it without its secrets.

Called by app.py, the commands and whoever reads a setting. May import model and errors; never flows/ or what else lies
above, so a flow's table stays raw until `compile_flows` is told which kinds exist.
"""

from counterfoil.settings.checking import Difference
from counterfoil.settings.environments import begin as begin_environment
from counterfoil.settings.environments import refuse_shared
from counterfoil.settings.feeds import FeedSettings, compile_feeds, matches
from counterfoil.settings.flows import FlowSettings, compile_flows
from counterfoil.settings.loading import RawFeed, RawFlow, Settings, converted, load
from counterfoil.settings.lookups import LookupSettings
from counterfoil.settings.pacing import PacingSettings, misplaced_window
from counterfoil.settings.reading import ReadSettings
from counterfoil.settings.secret import Secret
from counterfoil.settings.show import Field, declared, redacted
from counterfoil.settings.sources import SourceSettings
from counterfoil.settings.surroundings import forget_overrides, without_secrets
from counterfoil.settings.tables import (
    EntitySettings,
    HandlersSettings,
    PostingSettings,
    ServiceSettings,
    StoreSettings,
    VaultSettings,
    XeroSettings,
    is_secret,
)
from counterfoil.settings.targets import NotifySettings, Target
from counterfoil.settings.written import Written, secret_files, written_secrets

__all__ = [
    "Difference",
    "EntitySettings",
    "FeedSettings",
    "Field",
    "FlowSettings",
    "HandlersSettings",
    "LookupSettings",
    "NotifySettings",
    "PacingSettings",
    "PostingSettings",
    "RawFeed",
    "RawFlow",
    "ReadSettings",
    "Secret",
    "ServiceSettings",
    "Settings",
    "SourceSettings",
    "StoreSettings",
    "Target",
    "VaultSettings",
    "Written",
    "XeroSettings",
    "begin_environment",
    "compile_feeds",
    "compile_flows",
    "converted",
    "declared",
    "forget_overrides",
    "is_secret",
    "load",
    "matches",
    "misplaced_window",
    "redacted",
    "refuse_shared",
    "secret_files",
    "without_secrets",
    "written_secrets",
]
