//! What the partner says of some days, with each kind of difference that a person has to look at.

use anyhow::{Context as _, anyhow};

use super::{
    exchange::{exchange, grant, plant_destinations},
    seed::{PEOPLE, Person},
};
use crate::house::House;
use point_site::{
    exchange::Exchange,
    gift_code::{GiftCode, RequestId},
    partner::{PartnerAnswer, due_requests, settle},
    reconciliation::{UploadedStatement, receive_statement, reconcile_statements},
};
use vocabulary::{Day, Token, Zone};

/// The exchanges of a day, all done by the partner, and the day.
pub(super) type PartnerDay = (Vec<Exchange>, Day);

/// Exchanges with the partner, all of them done; to be called some days before the past ends.
pub(super) fn plant_partner_day(house: &House) -> anyhow::Result<PartnerDay> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    let hana = PEOPLE.iter().find_map(Person::member).context("the demo has a Hana")?;
    plant_destinations(site)?;
    grant(house, site, hana, ("demo.partner", 1_500))?;
    let mut taken = Vec::new();
    for points in [300, 500, 700] {
        taken.push(exchange((site, &house.world.chance), hana, "cafe-gift", points, None)?);
    }
    for (number, request) in (1..).zip(due_requests(site)?) {
        let code = GiftCode::parse(&format!("HIDAMARI-{number:04}-2026"))?;
        settle(site, &request, &PartnerAnswer::Done(Some((code, None))))?;
    }
    Ok((taken, Zone::JAPAN.day_of(site.now())))
}

/// The statements of that day and of all days since: one line agrees, one has another amount, one
/// is nobody's, and one is nowhere.
pub(super) fn plant_statements(house: &House, (taken, first): &PartnerDay) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    let yesterday = Zone::JAPAN.day_of(site.now()).plus_days(-1);
    let mut day = *first;
    while day <= yesterday {
        let mut lines = Vec::new();
        if day == *first {
            let of = |place: usize| taken.get(place).context("an exchange of the demo");
            lines.push(line(of(0)?, day, 0)?);
            lines.push(line(of(1)?, day, 50)?);
            lines.push((format!("DFK01K8DAIFUKU,{day},cafe-gift,1000,JPY,success"), 1_000));
        }
        let sum: i64 = lines.iter().map(|(_, amount)| amount).sum();
        let mut text = "request_id,processed_on,product,amount,unit,status\r\n".to_owned();
        for (line, _) in &lines {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str(&format!("total,,,{sum},,{}\r\n", lines.len()));
        let upload = UploadedStatement {
            partner: Token::parse("sandbox")?,
            day,
            file_name: format!("sandbox-{day}.csv"),
            bytes: text.into_bytes(),
            by: None,
        };
        receive_statement(site, &upload).map_err(|error| anyhow!(error))?;
        day = day.plus_days(1);
    }
    while reconcile_statements(site)? > 0 {}
    Ok(())
}

/// A line about an exchange, with its amount and perhaps some more.
fn line(exchange: &Exchange, day: Day, more: i64) -> anyhow::Result<(String, i64)> {
    let id = RequestId::of("DFK", exchange.id).context("a request has an id")?;
    let amount = exchange.quote.value.minor_units() + more;
    let (id, to) = (id.as_str(), &exchange.quote.destination);
    Ok((format!("{id},{day},{to},{amount},JPY,success"), amount))
}
