"""Records that programs hand over: read strictly, kept before anybody hears so, planned in turn, and told what became of them.

Called by the service's API and by app/serving, which plans what a killed process left. May import flows, posting, store and
sources. Nothing is sent here: whoever finishes an entity's postings does that. A record that is handed over twice is one posting.
"""
