use core::fmt::{self, Write as _};
use core::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::conversion::Status;
use vocabulary::{Clock, Timestamp, Zone};

/// The most orders that are kept; the oldest go first.
const ORDERS_MAX: usize = 10_000;

/// Where the sandbox finds the site, and whose network it is.
#[derive(Clone)]
pub struct SandboxConfig {
    /// The site's address on loopback.
    pub site: SocketAddr,
    /// The secret part of the address that postbacks go to.
    pub secret: String,
    /// Its advertisers.
    pub shops: Vec<SandboxShop>,
}

/// A pretend advertiser of the network.
#[derive(Clone, Debug)]
pub struct SandboxShop {
    /// The last part of its address.
    pub slug: String,
    /// What stands above its page.
    pub name: String,
    /// What it pays for an item.
    pub pays: Pays,
}

/// What an advertiser pays the site for an item.
#[derive(Clone, Copy, Debug)]
pub enum Pays {
    /// Hundredths of a per cent of the price.
    Rate(u32),
    /// Yen.
    Fixed(u32),
}

impl Pays {
    fn reward(self, price: u32) -> u32 {
        match self {
            Self::Rate(rate) => {
                let reward = (u64::from(price) * u64::from(rate)).div_euclid(10_000);
                u32::try_from(reward).unwrap_or(u32::MAX)
            }
            Self::Fixed(yen) => yen,
        }
    }
}

impl fmt::Debug for SandboxConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxConfig").field("site", &self.site).finish_non_exhaustive()
    }
}

/// One item of a pretend order: one conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The network's id.
    pub conversion: u32,
    /// The shop's order number.
    pub number: String,
    /// Which item of the order, from 1.
    pub item: u32,
    /// What the site gave us at the click; any text that a browser sent.
    pub reference: String,
    /// What was sold, yen.
    pub price: u32,
    /// What the site is paid, yen.
    pub reward: u32,
    /// When.
    pub occurred_at: Timestamp,
    /// What the advertiser decided.
    pub status: Status,
    /// The site has been told.
    pub arrived: bool,
}

impl Order {
    /// Writes the query of its postback.
    fn query(&self) -> String {
        let status = match self.status {
            Status::Occurred => "0",
            Status::Approved => "1",
            Status::Rejected => "2",
        };
        form_urlencoded::Serializer::new(String::new())
            .append_pair("pbid", &self.reference)
            .append_pair("conversion_id", &self.conversion.to_string())
            .append_pair("order_id", &self.number)
            .append_pair("item", &self.item.to_string())
            .append_pair("price", &self.price.to_string())
            .append_pair("reward", &self.reward.to_string())
            .append_pair("status", status)
            .append_pair("occurred_at", &Zone::JAPAN.format_second(self.occurred_at))
            .finish()
    }

    /// Gives the path and query of its postback.
    pub fn postback(&self, config: &SandboxConfig) -> String {
        format!("/in/v1/accesstrade/{}/cv?{}", config.secret, self.query())
    }

    fn row(&self) -> [String; 8] {
        let (status, reason) = match self.status {
            Status::Occurred => ("未確定", ""),
            Status::Approved => ("承認", ""),
            Status::Rejected => ("否認", "キャンセル"),
        };
        [
            self.conversion.to_string(),
            Zone::JAPAN.format_second(self.occurred_at).replace('-', "/"),
            self.number.clone(),
            self.reference.clone(),
            self.price.to_string(),
            self.reward.to_string(),
            status.to_owned(),
            reason.to_owned(),
        ]
    }
}

/// The pretend network. Clones share its orders, which live as long as the process.
#[derive(Clone, Debug)]
pub struct Sandbox {
    config: Arc<SandboxConfig>,
    clock: Arc<dyn Clock>,
    orders: Arc<Mutex<Orders>>,
}

#[derive(Debug)]
struct Orders {
    next: u32,
    list: Vec<Order>,
}

impl Sandbox {
    /// Opens a network without orders. Its numbers begin with the clock's seconds, so that those of
    /// a process started later are others.
    pub fn new(config: SandboxConfig, clock: Arc<dyn Clock>) -> Self {
        let seconds = clock.now().as_microseconds().div_euclid(1_000_000);
        let orders = Orders { next: u32::try_from(seconds).unwrap_or(1), list: Vec::new() };
        Self { config: Arc::new(config), clock, orders: Arc::new(Mutex::new(orders)) }
    }

    /// Gives where it finds the site.
    pub fn config(&self) -> &SandboxConfig {
        &self.config
    }

    /// Finds an advertiser by the last part of its address.
    pub fn shop(&self, slug: &str) -> Option<&SandboxShop> {
        self.config.shops.iter().find(|shop| shop.slug == slug)
    }

    /// Takes an order of some items at one price each: one conversion an item, as AccessTrade does.
    pub fn order(&self, shop: &SandboxShop, reference: &str, price: u32, items: u32) -> Vec<Order> {
        let now = self.clock.now();
        let mut orders = self.lock();
        let number = format!("R-{}", orders.next);
        let mut made = Vec::new();
        for item in 1..=items {
            let order = Order {
                conversion: orders.next,
                number: number.clone(),
                item,
                reference: reference.to_owned(),
                price,
                reward: shop.pays.reward(price),
                occurred_at: now,
                status: Status::Occurred,
                arrived: false,
            };
            orders.next = orders.next.saturating_add(1);
            orders.list.push(order.clone());
            made.push(order);
        }
        let over = orders.list.len().saturating_sub(ORDERS_MAX);
        orders.list.drain(..over);
        made
    }

    /// Decides an order as the advertiser would; `None` when there is no such conversion.
    pub fn decide(&self, conversion: u32, status: Status) -> Option<Order> {
        let mut orders = self.lock();
        let order = orders.list.iter_mut().find(|order| order.conversion == conversion)?;
        order.status = status;
        Some(order.clone())
    }

    /// Finds an order.
    pub fn find(&self, conversion: u32) -> Option<Order> {
        self.lock().list.iter().find(|order| order.conversion == conversion).cloned()
    }

    /// Notes that the site has been told of an order.
    pub(super) fn note_arrival(&self, conversion: u32) {
        let mut orders = self.lock();
        let order = orders.list.iter_mut().find(|order| order.conversion == conversion);
        if let Some(order) = order {
            order.arrived = true;
        }
    }

    /// Lists the items of a shop's order.
    pub fn items(&self, number: &str) -> Vec<Order> {
        self.lock().list.iter().filter(|order| order.number == number).cloned().collect()
    }

    /// Forgets what was decided, as when a month was sent and the next one begins.
    pub fn forget_decided(&self) {
        self.lock().list.retain(|order| order.status == Status::Occurred);
    }

    /// Lists the orders, the newest first.
    pub fn orders(&self) -> Vec<Order> {
        self.lock().list.iter().rev().cloned().collect()
    }

    /// Writes the monthly file as advertisers mail it: CP932, CR LF, a title, headings, a total.
    pub fn monthly_file(&self) -> Vec<u8> {
        let orders = self.lock().list.clone();
        let (mut sale, mut reward) = (0_u64, 0_u64);
        let mut text = String::from("成果承認データ,,,,,,,\r\n");
        text.push_str(
            "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由\r\n",
        );
        for order in &orders {
            sale = sale.saturating_add(u64::from(order.price));
            reward = reward.saturating_add(u64::from(order.reward));
            let cells = order.row().map(|cell| quoted(&cell));
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
        let _infallible = write!(text, "合計,,,,{sale},{reward},,\r\n");
        encoding_rs::SHIFT_JIS.encode(&text).0.into_owned()
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        // Nothing is changed halfway while the lock is held.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
