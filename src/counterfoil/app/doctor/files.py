"""Checks of the configuration and of who may read which file.

Called by doctor. Reads files' modes and the configuration's text; nothing else.
"""

import os
import stat
from pathlib import Path
from typing import Final

from counterfoil import settings
from counterfoil.access.file_rights import open_to_others
from counterfoil.app.doctor.finding import Finding, many, ok, problem, warning
from counterfoil.app.doctor.patient import Patient

REACH: Final = stat.S_IXGRP | stat.S_IXOTH
BESIDE: Final = ("", "-wal", "-shm", ".sentinel")


async def configuration(patient: Patient) -> list[Finding]:
    """The file is read and every flow compiles; that there is none yet is worth a word."""
    loaded = patient.loaded
    flows, entities = len(loaded.flows), len(loaded.entities)
    name = loaded.path.name
    if not flows or not entities:
        what = "flow" if entities else "entity"
        return [
            warning(
                "configuration",
                "empty",
                f"{name} has no {what} yet.",
                "Add [entities.KEY] and [flows.NAME]: docs/howto/getting-started.md.",
            )
        ]
    where = f", environment {loaded.environment}" if loaded.environment else ""
    return [
        ok(
            "configuration",
            f"{name}{where}: {many(entities, 'entity', 'entities')}, {many(flows, 'flow')}.",
            entities=entities,
            flows=flows,
        )
    ]


async def plain_secrets(patient: Patient) -> list[Finding]:
    """Secrets that are written into the configuration itself."""
    found = settings.written_secrets(patient.path, patient.env)
    remedy = 'Take it out: {instead}, or {key}_file = "FILE" (mode 0600); if the file was ever shared, make a new one.'
    return [
        warning(
            "plain-secrets",
            "written",
            f"[{one.table}] {one.key} stands in {one.at} for everybody to read who reads the file.",
            remedy.format(instead=one.instead, key=one.key),
            subject=f"{one.table}.{one.key}",
        )
        for one in found
    ] or [ok("plain-secrets", "No secret is written in the configuration.")]


async def permissions(patient: Patient) -> list[Finding]:
    """Files that other users of this machine may read, and folders that they may write."""
    secret = [patient.loaded.path] if settings.written_secrets(patient.path, patient.env) else []
    key = patient.loaded.vault.master_key_file
    secret += [*([] if key is None else [key]), *settings.secret_files(patient.path, patient.env)]
    found = [
        problem(
            "permissions",
            "secret",
            f"Other users of this machine may read {path}, which holds a secret.",
            f"Run: chmod 600 {path}",
            subject=str(path),
        )
        for path in secret
        if _open_to_others(path)
    ]
    readable = [str(path) for path in _databases(patient) if _open_to_others(path)]
    if readable:
        found.append(
            warning(
                "permissions",
                "database",
                f"Other users of this machine may read {readable[0]}, which holds your customers' data.",
                f"Run: chmod 600 {' '.join(readable)}",
                subject=readable[0],
            )
        )
    folder = patient.loaded.path.parent
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        found.append(
            problem(
                "permissions",
                "folder",
                f"Everybody on this machine may write into {folder}.",
                f"Run: chmod o-w {folder}",
                subject=str(folder),
            )
        )
    return found or [ok("permissions", "Nobody else on this machine may read the key, secrets or the database.")]


def _databases(patient: Patient) -> list[Path]:
    head, separator, name = patient.loaded.store.url.partition(":///")
    if not separator or not head.startswith("sqlite") or not name or name.startswith(":"):
        return []
    return [Path(name + suffix) for suffix in BESIDE]


def _open_to_others(path: Path) -> bool:
    """Whether others may read a file: by its own mode, and by every folder above it."""
    try:
        mode = path.stat().st_mode
        return open_to_others(path, mode) and all(
            one.stat().st_mode & REACH for one in Path(os.path.realpath(path)).parents
        )
    except OSError:
        return False  # not there, or not even we may look
