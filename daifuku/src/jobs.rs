//! Runs jobs: each has a thread of its own, a turn of its own, and a line on the job board.
//!
//! A job that fails or panics is tried again, later each time; that is said once, and once more
//! each time the number of failures has doubled. Turns are told by the [`Clock`], so that a clock
//! that is put forward brings forth what is due by then.

use core::{any::Any, fmt, panic::AssertUnwindSafe, time::Duration};
use std::{
    panic::catch_unwind,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{Builder, JoinHandle},
};

use anyhow::Context as _;

use ops::JobBoard;
use vocabulary::{Clock, Timestamp};

/// What a job does in one turn.
type Work = Box<dyn FnMut() -> anyhow::Result<Next> + Send>;

/// Whether a job has more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It waits for its next turn.
    Rest,
    /// It goes on at once, unless it is to stop.
    Again,
}

/// Something that the clock starts. It must be safe to be cut off and to be started twice.
pub struct Job {
    name: &'static str,
    every_seconds: u32,
    work: Work,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Job({} every {} s)", self.name, self.every_seconds)
    }
}

impl Job {
    /// Makes a job that runs at the start and then at each interval.
    pub fn new(
        name: &'static str,
        every_seconds: u32,
        work: impl FnMut() -> anyhow::Result<Next> + Send + 'static,
    ) -> Self {
        Self { name, every_seconds, work: Box::new(work) }
    }
}

/// The longest between two looks at the clock, which may have been put forward meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// The longest that a failing job waits, unless its own interval is longer.
const BACKOFF_SECONDS_MAX: i64 = 300;

/// Runs jobs until it is told to stop.
#[derive(Debug)]
pub struct Supervisor {
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn asked(&self) -> bool {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for a moment of the clock; false when it is time to stop instead.
    fn wait_until(&self, due: Timestamp, clock: &dyn Clock) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = due.microseconds_since(clock.now());
            if *asked || left <= 0 {
                return !*asked;
            }
            let left = Duration::from_micros(u64::try_from(left).unwrap_or(0)).min(LOOK);
            let waited = self.changed.wait_timeout(asked, left);
            asked = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Supervisor {
    /// Starts every job.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(
        jobs: Vec<Job>,
        clock: &Arc<dyn Clock>,
        board: &Arc<JobBoard>,
    ) -> anyhow::Result<Self> {
        let stop = Arc::new(Stop::default());
        let mut threads = Vec::with_capacity(jobs.len());
        for job in jobs {
            board.add(job.name);
            let name = job.name;
            let mut runner = Runner {
                job,
                stop: Arc::clone(&stop),
                clock: Arc::clone(clock),
                board: Arc::clone(board),
            };
            let thread = Builder::new().name(name.to_owned()).spawn(move || runner.run());
            threads.push(thread.with_context(|| format!("start job {name}"))?);
        }
        Ok(Self { stop, threads })
    }

    /// Lets every job end its turn, and waits for that.
    pub fn stop(self) {
        self.stop.ask();
        for thread in self.threads {
            // A panic there was reported by the panic hook.
            drop(thread.join());
        }
    }
}

struct Runner {
    job: Job,
    stop: Arc<Stop>,
    clock: Arc<dyn Clock>,
    board: Arc<JobBoard>,
}

impl Runner {
    fn run(&mut self) {
        let mut due = self.clock.now();
        while self.stop.wait_until(due, self.clock.as_ref()) {
            due = self.turn();
        }
    }

    /// Works once; gives the moment of the next turn, counted from the beginning of this one.
    fn turn(&mut self) -> Timestamp {
        let every = i64::from(self.job.every_seconds);
        loop {
            let begun_at = self.clock.now();
            // A job that panicked is called again: what it shares with others guards itself.
            let done = catch_unwind(AssertUnwindSafe(|| (self.job.work)()));
            let complaint = match done {
                Ok(Ok(next)) => {
                    self.note_success();
                    if next == Next::Again && !self.stop.asked() {
                        continue;
                    }
                    return begun_at.plus_seconds(every);
                }
                Ok(Err(error)) => format!("{error:#}"),
                Err(panic) => format!("it panicked: {}", message(panic.as_ref())),
            };
            let failures = self.note_failure(&complaint);
            let doubled = every.saturating_mul(1 << failures.min(20));
            let wait = doubled.min(BACKOFF_SECONDS_MAX.max(every));
            return begun_at.plus_seconds(wait);
        }
    }

    fn note_success(&self) {
        let name = self.job.name;
        let failures = self.board.succeed(name, self.clock.now());
        if failures > 0 {
            tracing::info!(job.name = name, job.failures = failures, "job {name} works again");
        }
    }

    fn note_failure(&self, complaint: &str) -> u32 {
        let name = self.job.name;
        let failures = self.board.fail(name, complaint);
        if failures.is_power_of_two() {
            tracing::error!(
                job.name = name,
                job.failures = failures,
                "job {name} failed: {complaint}"
            );
        }
        failures
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use anyhow::bail;

    use vocabulary::ManualClock;

    use super::*;

    const START: Timestamp = Timestamp::from_microseconds(1_795_143_600_000_000);

    /// Runs a job's turns by hand; gives the seconds until the next turn after each.
    fn turns(
        count: usize,
        work: impl FnMut() -> anyhow::Result<Next> + Send + 'static,
    ) -> Vec<i64> {
        let mut runner = Runner {
            job: Job::new("sweep", 10, work),
            stop: Arc::default(),
            clock: Arc::new(ManualClock::new(START)),
            board: Arc::default(),
        };
        let wait = |due: Timestamp| due.microseconds_since(START).div_euclid(1_000_000);
        (0..count).map(|_turn| wait(runner.turn())).collect()
    }

    #[test]
    fn a_job_has_its_turn_and_waits_longer_after_each_failure() {
        assert_eq!(turns(2, || Ok(Next::Rest)), [10, 10]);
        assert_eq!(turns(6, || bail!("away")), [20, 40, 80, 160, 300, 300]);
        let mut count = 0;
        let recovers = move || {
            count += 1;
            anyhow::ensure!(count != 2, "away");
            Ok(Next::Rest)
        };
        assert_eq!(turns(4, recovers), [10, 20, 10, 10]);
    }

    #[test]
    fn a_panic_is_a_failure() {
        assert_eq!(turns(2, || panic!("a bug")), [20, 40]);
        assert_eq!(message(&"a bug"), "a bug");
    }

    #[test]
    fn a_job_with_more_to_do_goes_on_at_once() {
        let (sender, receiver) = mpsc::channel();
        let mut left = 3;
        let work = move || {
            sender.send(())?;
            left -= 1;
            Ok(if left == 0 { Next::Rest } else { Next::Again })
        };
        assert_eq!(turns(1, work), [10]);
        assert_eq!(receiver.iter().count(), 3);
    }

    #[test]
    fn jobs_follow_the_clock_and_stop_when_asked() {
        let manual = Arc::new(ManualClock::new(START));
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&manual);
        let board = Arc::new(JobBoard::new());
        let (sender, receiver) = mpsc::channel();
        let seen = Arc::clone(&clock);
        let job = Job::new("sweep", 86_400, move || {
            sender.send(seen.now())?;
            Ok(Next::Rest)
        });
        let supervisor = Supervisor::start(vec![job], &clock, &board).unwrap();
        assert_eq!(receiver.recv().unwrap(), START);
        manual.advance_seconds(86_400);
        assert_eq!(receiver.recv().unwrap(), START.plus_days(1));
        supervisor.stop();
        let (name, state) = board.list().pop().unwrap();
        assert_eq!((name, state.runs, state.failures), ("sweep", 2, 0));
    }
}
