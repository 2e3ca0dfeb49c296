"""The demo's course: a stage (folder, sandbox), what goes wrong on purpose, and a judge who only trusts the ledger.

Called by cli/demo. Uses the product as a user does: the operations of app, and `counterfoil run` as a process of its
own that really is killed. May import what cli/ may. Files: stage (the folder and the sandbox's process), person (the
browser that consents), mishaps (the lost answer and the kill), judge (source against ledger), acts (the six steps).
"""
