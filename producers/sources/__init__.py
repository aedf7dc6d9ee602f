"""One file per source of reports. A module here that offers `KIND` (a `producers.base.Kind`) is found by itself."""
