use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use crate::bonus::BonusFacts;
use crate::campaign::CampaignFacts;
use crate::claim::ClaimFacts;
use crate::claim::store::find_concerned;
use crate::config::SiteConfig;
use crate::follow_up::store::{find_seen, remove_rows};
use crate::follow_up::{Seen, VersionKey};
use crate::rank::RankFacts;
use crate::referral::ReferralFacts;
use store::{Command, Fault, Posting, Recall, Tx};
use vocabulary::{Id, Timestamp, kind};

/// Lets follow what follows from conversions, as they stand by now: the rows only say which ones
/// to look at. So a row that is worked off twice, or after a newer one, changes nothing.
#[derive(Clone, Debug)]
pub struct FollowConversions {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// The rows; those that are gone meanwhile do no harm.
    pub rows: Vec<VersionKey>,
}

/// What follows is decided on this.
#[derive(Debug)]
pub struct FollowFacts {
    loaded: Option<Loaded>,
    done: Vec<VersionKey>,
    at: Timestamp,
}

#[derive(Debug)]
struct Loaded {
    config: Arc<SiteConfig>,
    seen: BTreeMap<Id<kind::Conversion>, Seen>,
    claims: ClaimFacts,
    campaigns: CampaignFacts,
    referrals: ReferralFacts,
    ranks: RankFacts,
    bonuses: BonusFacts,
}

impl Command for FollowConversions {
    type Facts = FollowFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "follow conversions";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let mut facts =
            FollowFacts { loaded: None, done: Vec::new(), at: Timestamp::from_microseconds(0) };
        let Some(first) = slice.first() else { return Ok(facts) };
        let company = first.config.company;
        let rows = slice.iter().flat_map(|command| &command.rows);
        let ids: BTreeSet<_> = rows.map(|row| row.conversion()).collect();
        let seen = find_seen(tx, company, &ids)?;
        let clicks: Vec<_> = seen.values().map(|one| one.click).collect();
        let orders: Vec<_> = seen.values().filter_map(|one| one.order.clone()).collect();
        let concerned = find_concerned(tx, company, &clicks, &orders)?;
        let claims = ClaimFacts::load(concerned, company, tx)?;
        let campaigns = CampaignFacts::load(company, &seen, tx)?;
        let members = seen.values().map(|one| one.member).collect();
        let referrals = ReferralFacts::load(company, &members, tx)?;
        let ranks = RankFacts::load(company, &seen, tx)?;
        let mut wanted = claims.bonuses();
        wanted.extend(referrals.bonuses());
        wanted.extend(seen.values().flat_map(|one| campaigns.bonuses(one)));
        wanted.extend(seen.values().filter_map(|one| ranks.bonuses(one)));
        let bonuses = BonusFacts::load(&first.config, &wanted, tx)?;
        let config = Arc::clone(&first.config);
        facts.loaded = Some(Loaded { config, seen, claims, campaigns, referrals, ranks, bonuses });
        Ok(facts)
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        if let Some(loaded) = &facts.loaded {
            loaded.bonuses.recall(recall);
        }
    }

    fn decide(&self, facts: &mut Self::Facts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.at = posting.now();
        facts.done.extend(&self.rows);
        let Some(loaded) = &mut facts.loaded else { return Ok(()) };
        loaded.claims.follow_all(loaded.config.actor, &mut loaded.bonuses, posting);
        let ids: BTreeSet<_> = self.rows.iter().map(|row| row.conversion()).collect();
        for seen in ids.iter().filter_map(|id| loaded.seen.get(id)) {
            loaded.campaigns.follow(seen, &mut loaded.bonuses, posting);
            loaded.referrals.follow(&loaded.config, seen, &mut loaded.bonuses, posting);
            loaded.ranks.follow(seen, &mut loaded.bonuses, posting);
        }
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        if let Some(loaded) = &facts.loaded {
            loaded.claims.save(tx)?;
            loaded.campaigns.save(tx, facts.at)?;
            loaded.referrals.save(tx, facts.at)?;
            loaded.ranks.save(tx, facts.at)?;
            loaded.bonuses.save(tx, facts.at)?;
            remove_rows(tx, loaded.config.company, &facts.done)?;
        }
        Ok(())
    }
}
