//! How the jobs fare, for those who look.

mod state;

pub use self::state::{JobBoard, JobState};
