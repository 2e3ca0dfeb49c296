"""What runs when: so far the clock; schedules, windows and sweeps come with the service.

Called by app. May import store, settings, model and errors.
"""
