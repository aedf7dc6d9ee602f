"""The stages as they run: thin shells around the pure steps. The one home of Faust."""
