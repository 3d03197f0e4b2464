//! Scenarios: the core's client against the simulator, through their public doors.

mod answers;
mod faults;
mod parameters;
mod support;
