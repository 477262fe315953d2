//! Limits on attempts, in memory: a sliding window for each account and each address.

use core::net::IpAddr;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use crate::{login::LoginKey, sign_in::SignInRefusal};
use vocabulary::Timestamp;

/// How many attempts there may be in any window of so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleLimit {
    /// The most attempts.
    pub attempts: u32,
    /// The length of the window.
    pub window_seconds: u32,
}

/// The most keys that are remembered; more than that are an attack, and the longest unseen go
/// first.
const KEYS_MAX: usize = 100_000;

/// Counts attempts by key. The count of a window that slides is estimated from two that stand: all
/// of the current one, and of the one before the part that is still in view.
#[derive(Debug)]
struct Throttle<K> {
    limit: ThrottleLimit,
    counts: BTreeMap<K, Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    window: i64,
    current: u32,
    before: u32,
}

impl<K: Copy + Ord> Throttle<K> {
    const fn new(limit: ThrottleLimit) -> Self {
        Self { limit, counts: BTreeMap::new() }
    }

    /// Counts an attempt, or tells how many seconds to wait. A refused attempt is not counted.
    fn admit(&mut self, key: K, now: Timestamp) -> Result<(), u32> {
        let length = i64::from(self.limit.window_seconds.max(1));
        let window = now.as_seconds().div_euclid(length);
        let into = now.as_seconds().rem_euclid(length);
        let known = self.counts.get(&key).copied();
        let mut count = match known {
            Some(count) if count.window == window => count,
            Some(count) if count.window.saturating_add(1) == window => {
                Count { window, current: 0, before: count.current }
            }
            Some(_) | None => Count { window, current: 0, before: 0 },
        };
        let left = length.saturating_sub(into);
        let in_view = i64::from(count.before).saturating_mul(left).div_euclid(length);
        if in_view.saturating_add(i64::from(count.current)) >= i64::from(self.limit.attempts) {
            return Err(u32::try_from(left).unwrap_or(u32::MAX));
        }
        count.current = count.current.saturating_add(1);
        if known.is_none() && self.counts.len() >= KEYS_MAX {
            self.make_room(window);
        }
        self.counts.insert(key, count);
        Ok(())
    }

    fn make_room(&mut self, window: i64) {
        self.counts.retain(|_key, count| count.window.saturating_add(1) >= window);
        if self.counts.len() >= KEYS_MAX {
            self.counts.clear();
        }
    }
}

/// Limits on attempts to sign in. It is each node's own and forgets at a restart; the failures of
/// an account are kept in the database as well and lock it.
#[derive(Debug)]
pub struct SignInThrottle {
    state: Mutex<(Throttle<LoginKey>, Throttle<u128>)>,
}

impl Default for SignInThrottle {
    /// Ten attempts in five minutes for an account, thirty for an address, behind which may be an
    /// office.
    fn default() -> Self {
        let limit = |attempts| ThrottleLimit { attempts, window_seconds: 300 };
        Self::new(limit(10), limit(30))
    }
}

impl SignInThrottle {
    /// Starts with limits for an account and for an address.
    pub const fn new(account: ThrottleLimit, address: ThrottleLimit) -> Self {
        Self { state: Mutex::new((Throttle::new(account), Throttle::new(address))) }
    }

    /// Counts an attempt for an account that exists or not, from an address.
    ///
    /// # Errors
    ///
    /// [`SignInRefusal::Throttled`].
    pub fn admit(
        &self,
        login: LoginKey,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), SignInRefusal> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (accounts, addresses) = &mut *state;
        addresses
            .admit(network(address), now)
            .and_then(|()| accounts.admit(login, now))
            .map_err(|retry_after_seconds| SignInRefusal::Throttled { retry_after_seconds })
    }
}

/// Gives what one customer of a provider has: an address of IPv4, or the first 64 bits of one of
/// IPv6.
const fn network(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.to_ipv6_mapped().to_bits(),
            None => address.to_bits() >> 64 << 64,
        },
    }
}

#[cfg(test)]
mod tests {
    use vocabulary::{CompanyNumber, Email};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_microseconds(seconds * 1_000_000)
    }

    fn key(name: &str) -> LoginKey {
        let mail = Email::parse(&format!("{name}@example.jp")).unwrap();
        LoginKey::member(CompanyNumber::new(1), &mail)
    }

    #[test]
    fn a_window_slides() {
        let mut throttle = Throttle::new(ThrottleLimit { attempts: 3, window_seconds: 100 });
        let table = [
            (1_000, Ok(())),
            (1_010, Ok(())),
            (1_099, Ok(())),
            (1_099, Err(1)),
            (1_100, Err(100)), // Three are still in view.
            (1_110, Ok(())),   // Two and a part of the third.
            (1_120, Err(80)),
            (1_170, Ok(())),
            (1_170, Ok(())),
            (1_171, Err(29)),
            (1_300, Ok(())), // All is forgotten.
        ];
        for (seconds, expected) in table {
            assert_eq!(throttle.admit(1, at(seconds)), expected, "at {seconds}");
        }
        assert_eq!(throttle.admit(2, at(1_171)), Ok(()), "another key is not concerned");
    }

    #[test]
    fn accounts_and_addresses_are_limited() {
        let limit = |attempts| ThrottleLimit { attempts, window_seconds: 100 };
        let throttle = SignInThrottle::new(limit(2), limit(3));
        let office: IpAddr = "192.0.2.1".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        let home: IpAddr = "2001:db8::1".parse().unwrap();
        let same_home: IpAddr = "2001:db8::2".parse().unwrap();
        let refused = Err(SignInRefusal::Throttled { retry_after_seconds: 100 });
        let table = [
            ("hana", office, Ok(())),
            ("hana", home, Ok(())),
            ("hana", home, refused),
            ("taro", office, Ok(())),
            ("jiro", mapped, Ok(())),
            ("saki", office, refused),
            ("saki", same_home, Ok(())),
            ("mari", same_home, refused),
        ];
        for (line, (name, address, expected)) in table.into_iter().enumerate() {
            assert_eq!(throttle.admit(key(name), address, at(1_000)), expected, "line {line}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut throttle = Throttle::new(ThrottleLimit { attempts: 1, window_seconds: 100 });
        for number in 0..KEYS_MAX {
            throttle.admit(number, at(1_000)).unwrap();
        }
        throttle.admit(usize::MAX, at(1_500)).unwrap();
        assert_eq!(throttle.counts.len(), 1, "what is out of view is forgotten");
    }
}
