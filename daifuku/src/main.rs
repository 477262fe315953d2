//! The binary: configuration, command line, wiring. It holds no rule, no query and no page of its
//! own.

fn main() {}
