"""The stages of spline interpolation: lines along an axis, and points."""
