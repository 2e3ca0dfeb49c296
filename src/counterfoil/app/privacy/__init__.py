"""One person's data: found, exported, erased for good; and an entity's copy purged.

Called by cli/privacy, cli/purge, the service's housekeeping and app at opening. What stands where is in
docs/howto/privacy.md; the statements are in store/removing. No call to Xero, where nothing is
changed. May import what app may.
"""
