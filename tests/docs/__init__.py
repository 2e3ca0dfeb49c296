"""The pages under docs/ say what is so: each statement that can be checked is checked."""
