use crate::config::{Network, Trust};
use crate::conversion::{Authority, Source, Told};
use crate::message::{Content, Message, Unreadable};
use crate::network::form::{Origin, a8, awin, cj, impact, query, rakuten, valuecommerce};
use vocabulary::Timestamp;

macro_rules! adapters {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// How the messages and pages of one network are read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Adapter {
            $($(#[$doc])* $name,)*
        }

        impl Adapter {
            /// Every adapter.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

adapters! {
    /// AccessTrade: a GET for each item.
    AccessTrade = "accesstrade";
    /// TUNE (HasOffers), as a publisher: a GET of our template.
    Tune = "tune";
    /// The packages of small Japanese networks: affilicode and its like.
    Affilicode = "affilicode";
    /// Affise: a GET of our template.
    Affise = "affise";
    /// Awin: a form with JSON in it when it happens, and pages of transactions.
    Awin = "awin";
    /// Impact: a notification of our template, by GET or as JSON.
    Impact = "impact";
    /// CJ: pages of commissions, restated by further rows.
    Cj = "cj";
    /// Rakuten Advertising: pages of events and transactions, taken back by negative rows.
    Rakuten = "rakuten";
    /// ValueCommerce: pages of its report by order.
    ValueCommerce = "valuecommerce";
    /// A8.net: pages of the advertisers' decision API.
    A8 = "a8";
}

/// Where the next page begins, in the network's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// Gives the text that the network is asked with.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A page that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// Where its raw text is kept.
    pub source: Source,
    /// When it came; stands in for the time of an act where a network tells none.
    pub at: Timestamp,
}

/// A page that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What it says, in the order in which it is to be decided.
    pub told: Vec<Told>,
    /// The rows that say nothing we can use.
    pub unread: Vec<Unread>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// A row of a page that cannot be read; the others can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Which row, from 1.
    pub row: usize,
    /// What is wrong with it.
    pub reason: Unreadable,
}

impl Adapter {
    /// Finds an adapter by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|adapter| adapter.code() == code)
    }

    /// Gives what the network wants to be answered when its message is stored.
    pub const fn answer(self) -> &'static str {
        match self {
            Self::Tune => "success=true;",
            Self::AccessTrade
            | Self::Affilicode
            | Self::Affise
            | Self::Awin
            | Self::Impact
            | Self::Cj
            | Self::Rakuten
            | Self::ValueCommerce
            | Self::A8 => "OK",
        }
    }

    /// Gives the query to put behind our address, with the network's macros, where the network
    /// fills in a template; empty where it knows by itself what to send.
    pub const fn template(self) -> &'static str {
        match self {
            Self::AccessTrade => {
                "?pbid={pbid}&conversion_id={conversion_id}&order_id={order_id}&item={item}\
                 &price={price}&reward={reward}&status={status}&occurred_at={occurred_at}"
            }
            Self::Tune => {
                "?aff_sub={aff_sub}&transaction_id={transaction_id}&goal_id={goal_id}\
                 &adv_sub={adv_sub}&amount={sale_amount}&payout={payout}&currency={currency}\
                 &status={status}&status_code={status_code}&datetime={datetime}"
            }
            Self::Affilicode => {
                "?pbid={pbid}&order_id={order_id}&item={item}&price={price}&reward={reward}\
                 &state={state}&occurred_at={occurred_at}"
            }
            Self::Affise => {
                "?sub1={sub1}&transactionid={transactionid}&sum={sum}&currency={currency}\
                 &order_sum={order_sum}&order_currency={order_currency}&status={status}\
                 &date={date}&comment={comment}"
            }
            Self::Impact => {
                "?action_id={ActionId}&status={Status}&status_detail={StatusDetail}\
                 &payout={Payout}&amount={Amount}&currency={Currency}&event_date={EventDate}\
                 &order_id={Oid}&sub_id1={SubId1}"
            }
            Self::Awin | Self::Cj | Self::Rakuten | Self::ValueCommerce | Self::A8 => "",
        }
    }

    /// Tells whether the network corrects a conversion by further rows, which are added up.
    pub const fn adds_rows(self) -> bool {
        match self {
            Self::Cj | Self::Rakuten => true,
            Self::AccessTrade
            | Self::Tune
            | Self::Affilicode
            | Self::Affise
            | Self::Awin
            | Self::Impact
            | Self::ValueCommerce
            | Self::A8 => false,
        }
    }

    /// Tells whether the network calls our address; another one only answers when asked.
    pub const fn pushes(self) -> bool {
        match self {
            Self::AccessTrade
            | Self::Tune
            | Self::Affilicode
            | Self::Affise
            | Self::Awin
            | Self::Impact => true,
            Self::Cj | Self::Rakuten | Self::ValueCommerce | Self::A8 => false,
        }
    }

    /// Reads a message to our address; at least one statement is in what it gives.
    ///
    /// # Errors
    ///
    /// The first [`Unreadable`] that applies; [`Unreadable::Form`] for every message of a network
    /// that only answers when asked.
    pub fn read(self, message: &Message, network: &Network) -> Result<Vec<Told>, Unreadable> {
        let origin = Origin {
            network,
            authority: match network.trust {
                Trust::Reports => Authority::Tells,
                Trust::Postbacks => Authority::Decides,
            },
            source: Source::Postback(message.id),
            at: message.received_at,
        };
        let content = message.request.content();
        if let Content::Page(text) = content {
            return self.read_kept(text, network, message);
        }
        let told = match self {
            Self::AccessTrade => query::ACCESSTRADE.read(content, &origin),
            Self::Tune => query::TUNE.read(content, &origin),
            Self::Affilicode => query::AFFILICODE.read(content, &origin),
            Self::Affise => query::AFFISE.read(content, &origin),
            Self::Awin => awin::read(content, &origin),
            Self::Impact => impact::read(content, &origin),
            Self::Cj | Self::Rakuten | Self::ValueCommerce | Self::A8 => Err(Unreadable::Form),
        };
        told.map(|told| vec![told])
    }

    /// Reads a page that was stored when it came. The rows that cannot be read were counted then.
    fn read_kept(
        self,
        text: &str,
        network: &Network,
        message: &Message,
    ) -> Result<Vec<Told>, Unreadable> {
        let pulled = Pulled { source: Source::Postback(message.id), at: message.received_at };
        let page = self.read_page(text.as_bytes(), network, pulled)?;
        match page.unread.first() {
            Some(unread) if page.told.is_empty() => Err(unread.reason),
            Some(_) | None => Ok(page.told),
        }
    }

    /// Reads a page that the network gave when asked. Its rows decide, as those of a report do.
    ///
    /// # Errors
    ///
    /// [`Unreadable::Form`] when the page as a whole is none, or the network has no pages.
    pub fn read_page(
        self,
        bytes: &[u8],
        network: &Network,
        pulled: Pulled,
    ) -> Result<Page, Unreadable> {
        let Pulled { source, at } = pulled;
        let origin = Origin { network, authority: Authority::Decides, source, at };
        match self {
            Self::Awin => awin::read_page(bytes, &origin),
            Self::Impact => impact::read_page(bytes, &origin),
            Self::Cj => cj::read_page(bytes, &origin),
            Self::Rakuten => rakuten::read_page(bytes, &origin),
            Self::ValueCommerce => valuecommerce::read_page(bytes, &origin),
            Self::A8 => a8::read_page(bytes, &origin),
            Self::AccessTrade | Self::Tune | Self::Affilicode | Self::Affise => {
                Err(Unreadable::Form)
            }
        }
    }
}
