"""The stack: tools, broker and hot store, topics, launcher and command line frame."""
