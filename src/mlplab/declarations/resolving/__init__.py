"""From declarations to networks: settings merged, grids spread, widths and forms found, sizes counted."""
