"""`python -m cli`, which the launcher `cityloop` in the project's root runs."""

from cli.main import main

if __name__ == "__main__":  # the worker's processes import this module again
    main()
