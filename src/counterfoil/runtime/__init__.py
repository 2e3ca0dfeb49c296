"""What runs when: kinds of work, wake-ups, the loop that carries them out, schedules, windows and the clock.

Called by app. May import model and errors; never the HTTP library or a database driver. The job engine has its one door
here (distributed); the rest of the product knows the port alone.
"""
