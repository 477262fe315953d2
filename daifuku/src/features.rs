//! The features, made once and joined: what one says of another is in `reactions.rs`.

use core::time::Duration;
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, anyhow};

use crate::{exchange, house::House, navigation, reactions::ShopStories};
use access::{RegisterActor, Subject};
use bank::{Bank, BankTools, WebhookKey};
use ledger::{BalanceRule, NegativeBy};
use point_site::{
    Networks, Site, SiteConfig,
    network_account::{NetworkAccountKey, NetworkKey},
};
use store::registry;
use vocabulary::{Label, Token};
use wallet::Wallet;
use web::Reach;

/// How long a member's click-out waits for the database before it goes to the spool.
const CLICK_PATIENCE: Duration = Duration::from_millis(40);

/// The features of an installation; made when its company and unit are there.
#[derive(Clone, Debug)]
pub struct Features {
    /// The developer's door.
    pub bank: Bank,
    /// What members have.
    pub wallet: Wallet,
    /// The members' site; nothing until its company is on the books.
    pub site: Option<Site>,
}

/// A place for features that is filled when they are first asked for.
pub(crate) type Later = Arc<OnceLock<Features>>;

impl Features {
    /// Opens the features of an installation.
    ///
    /// # Errors
    ///
    /// When the database or the folder of the spool fails.
    pub fn open(house: &House) -> anyhow::Result<Self> {
        let site = open_site(house)?;
        let explains: Arc<dyn wallet::Explains> = match &site {
            Some(site) => Arc::new(ShopStories::of(site)),
            None => Arc::new(()),
        };
        Ok(Self {
            bank: Bank::new(BankTools {
                store: house.store.clone(),
                clock: Arc::clone(&house.world.clock),
                ids: house.world.chance.clone(),
                webhooks: WebhookKey::new(house.secrets.key("webhooks")),
                reach: Reach::PublicAndLoopback,
            }),
            wallet: Wallet {
                store: house.store.clone(),
                clock: Arc::clone(&house.world.clock),
                explains,
                navigation: navigation::of_member,
                shops: site.as_ref().map(|_| "/shops"),
                exchange: site.as_ref().map(|_| "/exchange"),
                ranks: site.as_ref().map(|_| "/rank"),
                invite: site.as_ref().map(|_| "/invite"),
            },
            site,
        })
    }
}

/// What the secrets in the networks' addresses follow from.
fn network_key(house: &House) -> NetworkKey {
    NetworkKey::new(house.secrets.key("networks"))
}

/// The secret part of the address that a network calls, before it is rotated.
pub(crate) fn path_secret(house: &House, account: &NetworkAccountKey) -> String {
    network_key(house).path_secret(house.config.site_company, account, 1)
}

fn open_site(house: &House) -> anyhow::Result<Option<Site>> {
    let number = house.config.site_company;
    let companies = house.store.database().read(registry::companies)?;
    let company = companies.into_iter().find(|company| company.number == number);
    let unit = house.store.look(|book| book.find_unit(house.config.site_unit).copied());
    let (Some(company), Some(unit)) = (company, unit) else {
        tracing::warn!("there is no members' site: its company or unit is not on the books yet");
        return Ok(None);
    };
    let job = RegisterActor {
        company: number,
        subject: Subject::job(number, &Token::parse("point-site")?),
        label: Label::parse("point site")?,
    };
    let actor = match house.store.run(job)? {
        Ok(actor) => actor,
        Err(never) => match never {},
    };
    let config = SiteConfig {
        company: number,
        company_id: company.id,
        address: house.config.site_address.or_of(house.config.server_listen),
        actor,
        unit: unit.number,
        scale: unit.scale,
        member_rule: BalanceRule::Negative(NegativeBy { capture: true, reversal: true }),
        spool_folder: house.config.folder.join("spool"),
        click_patience: CLICK_PATIENCE,
        networks: Networks::default(),
        network_key: network_key(house),
        exchange: exchange::settings(house)?,
        sms: exchange::sms_door(house)?,
        member_nav: navigation::of_member,
        staff_nav: navigation::of_staff,
    };
    let clock = Arc::clone(&house.world.clock);
    let ids = house.world.chance.clone();
    let site = Site::open(config, house.store.clone(), clock, ids);
    site.map(Some).map_err(|error| anyhow!(error)).context("open the members' site")
}
