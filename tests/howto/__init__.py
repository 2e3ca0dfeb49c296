"""The how-to pages' examples, carried out as a reader would."""
