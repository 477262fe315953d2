use std::collections::{BTreeMap, BTreeSet};

use crate::conversion::{Conversion, ConversionState};
use vocabulary::{Amount, Id, kind};

/// How far a version of an offer goes; without either, for as long as it lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// The most conversions.
    pub conversions_max: Option<u32>,
    /// The most that the network pays for all of them, in minor units of its currency.
    pub commission_max: Option<Amount>,
}

impl Caps {
    /// Tells whether there is one.
    pub const fn is_some(self) -> bool {
        self.conversions_max.is_some() || self.commission_max.is_some()
    }

    /// Tells whether one is zero, which is no cap but no offer.
    pub(crate) fn empty(self) -> bool {
        self.conversions_max == Some(0) || self.commission_max.is_some_and(Amount::is_zero)
    }

    /// Tells whether nothing more is to come.
    pub fn reached(self, tally: Tally) -> bool {
        self.conversions_max.is_some_and(|max| tally.conversions >= max)
            || self.commission_max.is_some_and(|max| tally.commission >= max)
    }
}

/// How much of a version is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Conversions that are not rejected.
    pub conversions: u32,
    /// What the network pays for them.
    pub commission: Amount,
}

/// What a conversion adds to the tally of its version: itself, unless it is rejected, taken back or
/// of no click under a cap. One that a person has to look at counts, because it may be paid.
fn counted(conversion: &Conversion) -> Option<((Id<kind::Offer>, u32), Tally)> {
    let route = conversion.route.as_ref().filter(|route| route.capped)?;
    match conversion.state {
        ConversionState::NeedsReview
        | ConversionState::Tracked { .. }
        | ConversionState::Approved { .. } => {
            let tally = Tally { conversions: 1, commission: conversion.commission };
            Some(((route.offer, route.offer_version), tally))
        }
        ConversionState::Rejected { .. } | ConversionState::Reversed { .. } => None,
    }
}

/// The tallies that a slice of statements changes.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    pub(crate) known: BTreeMap<(Id<kind::Offer>, u32), Tally>,
    pub(crate) changed: BTreeSet<(Id<kind::Offer>, u32)>,
}

impl Tallies {
    /// Takes a conversion as it was out and as it is in.
    pub(crate) fn change(&mut self, before: Option<&Conversion>, after: &Conversion) {
        let (before, after) = (before.and_then(counted), counted(after));
        if before == after {
            return;
        }
        if let Some((key, part)) = before {
            let tally = self.known.entry(key).or_default();
            tally.conversions = tally.conversions.saturating_sub(part.conversions);
            tally.commission = tally.commission.saturating_sub(part.commission);
            self.changed.insert(key);
        }
        if let Some((key, part)) = after {
            let tally = self.known.entry(key).or_default();
            tally.conversions = tally.conversions.saturating_add(part.conversions);
            let sum = tally.commission.checked_add(part.commission);
            tally.commission = sum.unwrap_or(Amount::MAX);
            self.changed.insert(key);
        }
    }
}
