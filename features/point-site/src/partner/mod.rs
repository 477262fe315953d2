//! Partners.
