//! Where features meet: one asks what another knows. Nothing else joins them but the ledger.

use std::collections::BTreeMap;

use point_site::bonus::{BonusStory, Cause, bonus_stories};
use point_site::{ConversionStory, Site, stories};
use store::Fault;
use wallet::{Explained, Explains, passbook::Line};
use web::Language;

/// Tells the passbook which shop a line is about.
#[derive(Debug)]
pub(crate) struct ShopStories {
    site: Site,
}

impl ShopStories {
    pub(crate) fn of(site: &Site) -> Self {
        Self { site: site.clone() }
    }
}

impl Explains for ShopStories {
    fn explain(&self, lines: &[Line], _: Language) -> Result<Vec<Option<Explained>>, Fault> {
        let ids: Vec<u128> = lines
            .iter()
            .flat_map(|line| [Some(line.batch.bits()), line.subject])
            .flatten()
            .collect();
        let company = self.site.config().company;
        let (known, bonuses) = self.site.store().database().read(|reader| {
            Ok((stories(reader, company, &ids)?, bonus_stories(reader, company, &ids)?))
        })?;
        let told = |line| explain(line, &known).or_else(|| explain_bonus(line, &bonuses));
        Ok(lines.iter().map(told).collect())
    }
}

fn explain(line: &Line, known: &BTreeMap<u128, ConversionStory>) -> Option<Explained> {
    let by_subject = line.subject.and_then(|subject| known.get(&subject));
    let story = by_subject.or_else(|| known.get(&line.batch.bits()))?;
    let (name, slug) = story.shop.as_ref()?;
    Some(Explained {
        title: name.as_str().to_owned(),
        note: String::new(),
        clicked_at: story.clicked_at,
        reason: story.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        href: Some(format!("/shops/{}", slug.as_str())),
    })
}

/// Tells what granted points beside a conversion.
fn explain_bonus(line: &Line, known: &BTreeMap<u128, BonusStory>) -> Option<Explained> {
    let by_subject = line.subject.and_then(|subject| known.get(&subject));
    let story = by_subject.or_else(|| known.get(&line.batch.bits()))?;
    let href = match story.cause {
        Cause::Claim(id) => Some(format!("/claims/{id}")),
        Cause::Campaign(id) => Some(format!("/campaigns/{id}")),
        Cause::Rank | Cause::Referral(_) => None,
    };
    Some(Explained { title: story.title.as_str().to_owned(), href, ..Explained::default() })
}
