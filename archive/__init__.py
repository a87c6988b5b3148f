"""What Holdfast keeps: captured bytes and their proof. Files only: no SQL, no web framework."""
