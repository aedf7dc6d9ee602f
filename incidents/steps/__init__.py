"""One pure decision per file, in the order a report meets them: intake, sifting, routing, closure, escalation."""
