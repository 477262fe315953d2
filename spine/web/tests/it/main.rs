//! The server over a real loopback socket, and pages through the door.
#![cfg(test)]

mod door;
mod reference;
mod socket;
